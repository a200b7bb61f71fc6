//! Takes a whole network away.

use std::fs;

use super::open::Record;
use super::{Bridge, link_error, lock};
use crate::NetError;

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
