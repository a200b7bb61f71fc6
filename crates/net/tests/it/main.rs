//! The network as containers and their neighbours see it, each test in a host of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod attach;
mod coexist;
mod host;
mod ports;
mod restore;
mod speed;
