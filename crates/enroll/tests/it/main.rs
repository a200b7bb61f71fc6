//! The authority's service and its clients, over real connections on loopback.
#![expect(clippy::unwrap_used, reason = "test code")]

mod join;
mod renew;
mod revoke;
mod rotate;
mod support;
