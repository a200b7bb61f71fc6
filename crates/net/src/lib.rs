//! lockgate-net.
