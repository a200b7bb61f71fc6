//! lockgate-sys.
