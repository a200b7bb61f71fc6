//! Removal of volumes.

use lockgate_types::VolumeName;

use super::Volumes;
use super::error::{RemoveVolumeError, VolumeError};

impl Volumes {
    /// Removes a volume that no container has. With `force`, one that does not exist is no error.
    pub async fn remove(&self, name: &str, force: bool) -> Result<(), RemoveVolumeError> {
        let (volumes, name) = (self.clone(), name.to_owned());
        let work = tokio::task::spawn_blocking(move || volumes.remove_now(&name, force));
        work.await.unwrap_or(Err(RemoveVolumeError::Closing))
    }

    fn remove_now(&self, text: &str, force: bool) -> Result<(), RemoveVolumeError> {
        let known = VolumeName::parse(text)
            .ok()
            .filter(|n| self.inner.volumes.get(n).is_some());
        let Some(name) = known else {
            return if force {
                Ok(())
            } else {
                Err(VolumeError::NotFound(text.to_owned()).into())
            };
        };
        let users = self.users(&name);
        if !users.is_empty() {
            return Err(RemoveVolumeError::InUse { name, users });
        }
        if self
            .inner
            .volumes
            .remove(&name)
            .map_err(RemoveVolumeError::Fault)?
        {
            self.tell(&name, "destroy");
        }
        Ok(())
    }
}
