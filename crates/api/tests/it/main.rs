//! The crate from outside: golden bodies, and anything that could make it panic.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod golden;
mod hostile;
mod operations;
mod requests;
