//! Namespaces without a place in any network.

use std::io;
use std::path::Path;

use lockgate_sys::netns;

use crate::netlink::RouteSocket;

/// Makes a namespace named `path` that holds a loopback, up, and nothing else.
pub fn create_empty(path: &Path) -> io::Result<()> {
    let outcome = netns::create(path, |_namespace| RouteSocket::open()?.loopback_up())?;
    if outcome.is_err() {
        netns::remove(path)?;
    }
    outcome
}

/// Takes the name away; the namespace goes with its last process.
pub fn remove(path: &Path) -> io::Result<()> {
    netns::remove(path)
}
