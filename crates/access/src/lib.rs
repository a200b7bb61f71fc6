//! lockgate-access.
