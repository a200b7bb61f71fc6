//! What tests stand on: real daemons in namespaces of their own, images made on the spot, programs
//! run to the end, and a raw HTTP client that hides nothing.
//!
//! Everything panics with a full account instead of returning errors: a test has nothing better to
//! do with them. Everything made here is gone when it is dropped, also when the test panics.
#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "test code"
)]

mod archive;
mod daemon;
mod http;
mod netns;
mod peer;
mod podman;
mod program;
mod wait;

pub use archive::{busybox_archive, busybox_layer, docker_archive};
pub use daemon::{Daemon, DaemonOptions};
pub use http::{HttpResponse, request, request_with};
pub use netns::NetNs;
pub use peer::Dockerd;
pub use podman::Podman;
pub use program::{Ended, binary, program, run};
pub use wait::{eventually, unique};
