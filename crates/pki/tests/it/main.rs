//! The public API, with openssl, curl, docker and rustls as judges.
#![expect(clippy::unwrap_used, reason = "test code")]

mod constraints;
mod crl;
mod handshake;
mod import;
mod list_cost;
mod profile;
mod publish;
mod refused;
mod support;
mod verify;
