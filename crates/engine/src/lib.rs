//! lockgate-engine.
