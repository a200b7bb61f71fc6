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

/// Mounts an overlay at `place`, an empty directory, in this mount namespace. Returns a handle on it.
pub fn mount_overlay(
    lower: &[std::path::PathBuf],
    upper: &std::path::Path,
    work: &std::path::Path,
    place: &std::path::Path,
) -> std::io::Result<std::os::fd::OwnedFd> {
    rootfs::mount_overlay(lower, upper, work, place).map_err(|(_step, source)| source)
}
