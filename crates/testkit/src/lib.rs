//! lockgate-testkit.
