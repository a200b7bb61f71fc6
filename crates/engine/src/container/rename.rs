//! Another name for a container.

use std::sync::Arc;

use lockgate_types::{ContainerName, IdError};

use super::driver::Driver;
use super::error::{FaultError, LookupError, RenameError};
use super::handle::{Answer, Failure, Order};
use super::record::Record;
use super::registry::NameTaken;
use super::{Containers, events};

impl Containers {
    /// Gives a container another name.
    pub async fn rename(&self, name: &str, new_name: &str) -> Result<(), RenameError> {
        if name.is_empty() || new_name.is_empty() {
            return Err(RenameError::Empty);
        }
        let container = self.inner.registry.find(name)?;
        let new_name = ContainerName::parse(new_name).map_err(|_error| {
            // dockerd looks at the name as it keeps it.
            let kept = format!("/{}", new_name.strip_prefix('/').unwrap_or(new_name));
            RenameError::Name(IdError::ContainerName(kept))
        })?;
        if container.facts().record.name == new_name {
            return Err(RenameError::Same);
        }
        match container.order(Order::Rename(new_name.clone())).await {
            Ok(_) => Ok(()),
            Err(Failure::NameInUse(by)) => Err(RenameError::NameInUse {
                name: new_name.to_string(),
                by,
            }),
            Err(Failure::Refused(_)) => Err(RenameError::Removing),
            Err(Failure::Fault(fault)) => Err(fault.into()),
            Err(Failure::Start(_) | Failure::Config(_) | Failure::Network(_) | Failure::Gone) => {
                Err(LookupError::NotFound(name.to_owned()).into())
            }
        }
    }
}

impl Driver {
    pub(super) fn rename(&mut self, name: &ContainerName) -> Answer {
        let registry = &self.engine.registry;
        let id = &self.container.id;
        registry
            .reserve(name, id)
            .map_err(|NameTaken(by)| Failure::NameInUse(by))?;
        let old = self.record.name.clone();
        let record = Record {
            name: name.clone(),
            ..Record::clone(&self.record)
        };
        if let Err(error) = record.write(&self.container.directory) {
            registry.release(name, id);
            return Err(FaultError::file("cannot write the new name")(error).into());
        }
        registry.release(&old, id);
        self.record = Arc::new(record);
        self.publish();
        events::container(
            &self.engine,
            &self.record,
            "rename",
            [("oldName", format!("/{old}"))],
        );
        Ok(Vec::new())
    }
}
