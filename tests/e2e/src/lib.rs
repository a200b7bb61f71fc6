//! lockgate-e2e.
