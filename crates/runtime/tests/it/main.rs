//! The runtime's binaries, from the outside: real namespaces, mounts and cgroups. Needs root.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test code")]

mod fixture;
mod lifecycle;
mod measure;
