//! The runtime: makes containers out of OCI specifications, and keeps them when the daemon is away.
//!
//! Two binaries are built on this library. `lockgate-shim` supervises one container and speaks
//! [`protocol`] with the engine; `lockgate-oci` has runc's command line. Both make the container
//! themselves, with one `clone3` from a process of one thread.
//!
//! This crate links no async runtime, no HTTP and no TLS: a shim must be small and quick to start.
#![forbid(unsafe_code)]

mod capability;
pub mod cgroup;
mod create;
pub mod oci;
mod program;
pub mod protocol;
mod reason;
mod rootfs;
mod seccomp;
pub mod shim;
pub mod spec;
