//! Which namespaces a container has of its own, and which it shares.

use std::path::PathBuf;

use lockgate_runtime::spec::namespace;
use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};

use super::Inputs;

/// Namespaces that are not listed are the host's.
pub(super) fn build(inputs: &Inputs<'_>) -> Vec<LinuxNamespace> {
    let host = &inputs.record.host_config;
    let of = |pid: i32, name: &str| Some(PathBuf::from(format!("/proc/{pid}/ns/{name}")));
    let mut all = vec![namespace(LinuxNamespaceType::Mount, None)];
    if inputs.engine.ids_of(&host.userns_mode).is_some() {
        let path = inputs.peers.user.and_then(|pid| of(pid, "user"));
        all.push(namespace(LinuxNamespaceType::User, path));
    }
    match inputs.peers.network {
        Some(pid) => all.push(namespace(LinuxNamespaceType::Network, of(pid, "net"))),
        None if host.network_mode == "host" => {}
        None => all.push(namespace(LinuxNamespaceType::Network, inputs.netns.clone())),
    }
    if host.uts_mode != "host" {
        all.push(namespace(LinuxNamespaceType::Uts, None));
    }
    match inputs.peers.pid {
        Some(pid) => all.push(namespace(LinuxNamespaceType::Pid, of(pid, "pid"))),
        None if host.pid_mode == "host" => {}
        None => all.push(namespace(LinuxNamespaceType::Pid, None)),
    }
    match inputs.peers.ipc {
        Some(pid) => all.push(namespace(LinuxNamespaceType::Ipc, of(pid, "ipc"))),
        None if host.ipc_mode == "host" => {}
        None => all.push(namespace(LinuxNamespaceType::Ipc, None)),
    }
    if host.cgroupns_mode == "private" {
        all.push(namespace(LinuxNamespaceType::Cgroup, None));
    }
    all
}
