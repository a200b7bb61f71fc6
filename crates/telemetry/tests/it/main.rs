//! Telemetry against a small collector.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod collector;
mod delivery;
mod shape;
