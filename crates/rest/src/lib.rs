//! lockgate-rest.
