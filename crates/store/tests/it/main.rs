//! The store through its public API: real archives, hostile archives, crashes. Needs root.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod crash;
mod hostile;
mod images;
mod layers;
mod property;
mod roundtrip;
mod snapshots;
mod sparse;
mod support;
mod trees;
