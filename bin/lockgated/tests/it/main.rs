//! The daemon as a process: one per data root, signals, socket activation, readiness.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod daemon;
mod lifecycle;
