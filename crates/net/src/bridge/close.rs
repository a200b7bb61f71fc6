//! Takes a whole network away.

use std::fs;
use std::path::Path;

use super::open::Record;
use super::{Bridge, link_error, lock};
use crate::netlink::RouteSocket;
use crate::{NetError, firewall};

impl Bridge {
    /// Removes every endpoint that is left, the table, the accept rules and, if it was made
    /// here, the bridge. Kernel settings stay: others may rely on them by now.
    ///
    /// A daemon whose containers go on running does not call this. Nothing can be attached after it.
    pub fn close(&self) -> Vec<NetError> {
        let mut failures = self.settle();
        failures.extend(self.remove_strays(&[]));
        failures.extend(self.firewall.remove().into_iter().map(NetError::from));
        if Record::names(&self.config.state_dir, &self.config.name) {
            let deleted = lock(&self.links).delete_link(self.index);
            failures.extend(
                deleted
                    .map_err(link_error("cannot delete the bridge", &self.config.name))
                    .err(),
            );
            let record = Record::path(&self.config.state_dir);
            failures.extend(fs::remove_file(record).map_err(NetError::State).err());
        }
        failures
    }
}

/// Removes what is left of a bridge that nobody has open: its table, and the link that its record
/// in `state_dir` names.
pub fn discard(state_dir: &Path, table: &str) -> Vec<NetError> {
    let mut failures: Vec<NetError> = firewall::discard(table)
        .err()
        .map(NetError::from)
        .into_iter()
        .collect();
    if let Some(link) = Record::bridge_of(state_dir) {
        let deleted = RouteSocket::open().and_then(|mut links| links.delete_link_named(&link));
        failures.extend(
            deleted
                .map_err(link_error("cannot delete the bridge", &link))
                .err(),
        );
    }
    failures
}
