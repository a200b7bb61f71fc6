//! The kernel's side of Lockgate: raw system calls that no dependency wraps, behind safe functions.
//!
//! This is the only crate of the workspace that may hold `unsafe`. Every block says which invariants
//! make it sound and why no safe call does the same. Nothing here knows what a container is.
#![expect(unsafe_code, reason = "the one crate that wraps raw system calls")]

pub mod bpf;
pub mod clone;
pub mod descriptor;
pub mod file;
pub mod loopback;
pub mod memory;
pub mod mount;
pub mod mountns;
pub mod netns;
pub mod process;
pub mod schedule;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod socket_path;
pub mod userns;
