//! lockgate-store.
