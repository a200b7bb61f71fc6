//! What callers ask for.

use std::path::PathBuf;

use lockgate_types::ContainerId;
use lockgate_types::container::{ContainerConfig, HostConfig};
use lockgate_types::network::NetworkingConfig;

use crate::filter::Filters;

/// A container to be made. Defaults of old API versions have been filled in by the caller.
#[derive(Clone, Debug, Default)]
pub struct CreateContainer {
    /// The name; without one a random name is chosen.
    pub name: Option<String>,
    /// What runs inside; `config.image` names the image.
    pub config: ContainerConfig,
    /// How it sits on the host.
    pub host_config: HostConfig,
    /// The networks it joins.
    pub networking: NetworkingConfig,
    /// `os/arch[/variant]` that the image must have.
    pub platform: Option<String>,
    /// Paths of the host that its binds must be below (`true`: those that are read-only); `None` for anywhere. Looked at
    /// whenever it starts.
    pub host_roots: Option<Vec<(PathBuf, bool)>>,
    /// Labels that say whose the container is: an image cannot set them.
    pub labels_of_caller: Vec<String>,
}

/// The answer to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The new container.
    pub id: ContainerId,
    /// What was asked for and cannot be done here.
    pub warnings: Vec<String>,
}

/// Which containers to list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Also those that do not run.
    pub all: bool,
    /// Only that many of the newest; implies `all`.
    pub limit: Option<usize>,
    /// Measure their layers.
    pub size: bool,
    /// ancestor, before, exited, expose, health, id, is-task, isolation, label, label!, name,
    /// network, publish, since, status, volume.
    pub filters: Filters,
}

/// How to stop.
#[derive(Clone, Debug, Default)]
pub struct StopOptions {
    /// Seconds before SIGKILL; -1 waits for ever, `None` is the container's own (10 by default).
    pub timeout: Option<i64>,
    /// The signal instead of the container's stop signal.
    pub signal: Option<String>,
}

/// How to remove.
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoveOptions {
    /// Kill it if it runs.
    pub force: bool,
    /// Remove its anonymous volumes too.
    pub volumes: bool,
    /// Remove the link of that name instead of the container.
    pub link: bool,
}

/// What `update` changes; `None` leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateQuery {
    /// Resource fields that are not at their zero value are taken over, and `restart_policy` if it
    /// has a name.
    pub host_config: HostConfig,
}

/// What prune removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The removed containers.
    pub deleted: Vec<ContainerId>,
    /// The bytes of their writable layers.
    pub space_reclaimed: u64,
}
