//! Namespaces of containers: without a place in any network, routed anew, left over.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::path::Path;

use lockgate_sys::netns;
use lockgate_types::ContainerId;

use crate::netlink::RouteSocket;

/// Makes a namespace named `path` that holds a loopback, up, and nothing else.
pub fn create_empty(path: &Path) -> io::Result<()> {
    let outcome = netns::create(path, |_namespace| RouteSocket::open()?.loopback_up())?;
    if outcome.is_err() {
        netns::remove(path)?;
    }
    outcome
}

/// Names the namespace that a process is in.
pub fn adopt(path: &Path, pid: i32) -> io::Result<()> {
    netns::adopt(path, pid)
}

/// Takes the name away; the namespace goes with its last process.
pub fn remove(path: &Path) -> io::Result<()> {
    netns::remove(path)
}

/// Sends what is for none of a namespace's networks to `gateway`, or nowhere any more.
pub fn set_default_route(
    path: &Path,
    gateway: Option<Ipv4Addr>,
    former: Option<Ipv4Addr>,
) -> io::Result<()> {
    let namespace = netns::open(path)?;
    netns::run_in(namespace.as_fd(), || {
        RouteSocket::open()?.set_default_route(gateway, former)
    })?
}

/// Removes the namespaces in `directory` that are named after containers other than `kept`; tells
/// what could not be removed. Files of other names are not ours.
pub fn remove_strays(directory: &Path, kept: &BTreeSet<ContainerId>) -> Vec<io::Error> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![error],
    };
    let mut failures = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| ContainerId::parse(name).ok()) else {
            continue;
        };
        if !kept.contains(&id) {
            tracing::info!(container = %id, "removing a stray network namespace");
            failures.extend(netns::remove(&entry.path()).err());
        }
    }
    failures
}
