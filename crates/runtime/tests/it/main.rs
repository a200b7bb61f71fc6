//! The runtime's binaries, from the outside: real namespaces, mounts and cgroups. Needs root.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]
#![expect(clippy::print_stdout, reason = "measurements are printed")]

mod execs;
mod external;
mod fixture;
mod lifecycle;
mod measure;
mod mounts;
mod oci;
mod oci_flags;
mod oci_words;
mod process;
mod streams;
