//! New volumes.

use std::collections::BTreeMap;

use lockgate_types::{Timestamp, VolumeName};

use super::error::CreateVolumeError;
use super::{VolumeFault, VolumeInfo, VolumeRecord, Volumes};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateVolume {
    /// Empty for an anonymous one.
    pub name: String,
    /// Empty for `local`.
    pub driver: String,
    /// `type`, `o`, `device`: what to mount, when the first container starts.
    pub driver_options: Option<BTreeMap<String, String>>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
}

impl Volumes {
    /// Makes a volume; one of that name is answered as it is.
    pub async fn create(&self, create: CreateVolume) -> Result<VolumeInfo, CreateVolumeError> {
        let volumes = self.clone();
        let work = tokio::task::spawn_blocking(move || volumes.create_now(create));
        work.await.unwrap_or(Err(CreateVolumeError::Closing))
    }

    fn create_now(&self, create: CreateVolume) -> Result<VolumeInfo, CreateVolumeError> {
        let anonymous = create.name.is_empty();
        let name = if anonymous {
            VolumeName::anonymous()
        } else {
            VolumeName::parse(&create.name).map_err(|source| CreateVolumeError::Name {
                name: create.name,
                source,
            })?
        };
        let options = create.driver_options.filter(|options| !options.is_empty());
        let record = VolumeRecord {
            name: name.clone(),
            created: Timestamp::now(),
            labels: create.labels,
            options,
            anonymous,
        };
        let made = self.inner.volumes.ensure(record, &create.driver);
        let made = made.map_err(|fault| match fault {
            VolumeFault::Driver(driver) => CreateVolumeError::Driver {
                name: name.clone(),
                driver,
            },
            VolumeFault::Option(reason) => CreateVolumeError::Options {
                name: name.clone(),
                reason,
            },
            VolumeFault::File { source, .. } | VolumeFault::Mount { source, .. } => {
                CreateVolumeError::File {
                    name: name.clone(),
                    source,
                }
            }
        })?;
        if made {
            self.tell(&name, "create");
        }
        match self.inner.volumes.get(&name) {
            Some(record) => Ok(self.info(record)),
            // Somebody was very quick to remove it.
            None => Err(CreateVolumeError::File {
                name,
                source: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }
}
