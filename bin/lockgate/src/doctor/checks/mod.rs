//! The checks of this machine: one file per thing that is looked at.

pub(super) mod client;
pub(super) mod config;
pub(super) mod exposure;
pub(super) mod modes;
pub(super) mod server;
mod set;
pub(super) mod sockets;
