//! lockgate-runtime.
