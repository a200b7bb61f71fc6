//! The door over real sockets and certificates, with a backend that only remembers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod authority;
mod browser;
mod certificates;
mod docker;
mod door;
mod elevate;
mod exposition;
mod fake;
mod flood;
mod framing;
mod hijack;
mod limits;
mod listen;
mod metrics;
mod neighbour;
mod policy;
mod raw;
mod record;
mod requests;
mod resume;
mod stop;
mod tls;
mod tls_files;
