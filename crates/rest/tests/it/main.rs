//! The API on a real engine, without a socket: what goes in is a request, what comes out a reply.
//!
//! Needs root. No container is started here; what runs is tested from outside, on the daemon.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod containers;
mod images;
mod refusals;
mod system;
mod volumes;
mod world;
