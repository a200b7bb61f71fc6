//! lockgate-gate.
