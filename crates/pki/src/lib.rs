//! lockgate-pki.
