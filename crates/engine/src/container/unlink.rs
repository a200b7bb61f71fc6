//! Taking back a link of the default bridge. A running owner knows the name until it is started again.

use std::sync::Arc;

use super::Containers;
use super::create::{Link, by_alias};
use super::driver::Driver;
use super::error::{FaultError, LookupError, RemoveError};
use super::handle::{Answer, Failure, Order};
use super::record::Record;

impl Containers {
    /// Removes the link that `owner` has as `alias`, not the container that it leads to.
    pub async fn unlink(&self, owner: &str, alias: &str) -> Result<(), RemoveError> {
        let name = || format!("{owner}/{alias}");
        let not_found = || RemoveError::from(LookupError::NotFound(name()));
        let found = self.inner.registry.find(owner);
        let container = found.map_err(|_error| not_found())?;
        if !by_alias(&container.facts().record.host_config).contains_key(alias) {
            return Err(not_found());
        }
        match container.order(Order::Unlink(alias.to_owned())).await {
            Ok(_) => Ok(()),
            Err(Failure::Fault(fault)) => Err(RemoveError::Fault {
                name: name(),
                fault,
            }),
            Err(Failure::Refused(_)) => Err(RemoveError::InProgress(name())),
            Err(
                Failure::Start(_)
                | Failure::Config(_)
                | Failure::NameInUse(_)
                | Failure::Network(_)
                | Failure::Gone,
            ) => Err(not_found()),
        }
    }
}

impl Driver {
    pub(super) fn unlink(&mut self, alias: &str) -> Answer {
        let mut record = Record::clone(&self.record);
        if let Some(links) = &mut record.host_config.links {
            links.retain(|text| Link::parse(text).is_ok_and(|link| link.alias != alias));
        }
        record
            .write(&self.container.directory)
            .map_err(FaultError::file("cannot write the links"))?;
        self.record = Arc::new(record);
        self.publish();
        Ok(Vec::new())
    }
}
