//! The engine in process, on real shims and real containers. Needs root.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

mod attach;
mod exec;
mod failure;
mod fixture;
mod image;
mod lifecycle;
mod logs;
mod look;
mod network;
mod policy;
mod restore;
mod speed;
mod volume;
mod volumes;
