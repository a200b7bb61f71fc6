//! lockgate-api.
