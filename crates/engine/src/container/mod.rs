//! Containers: what can be asked of them, and the task that owns each.

mod attach;
mod config_error;
mod error;
mod request;
pub(crate) mod stats;
mod view;
mod wait;

use std::fmt;
use std::sync::Arc;

use crate::engine::Inner;
use crate::filter::Filters;
use crate::log::{LogQuery, LogStream};

pub use config_error::ConfigError;
pub use attach::{AttachQuery, AttachStream};
pub use error::{
    AttachError, CreateError, FaultError, InspectError, KillError, LogsError, LookupError, PauseError,
    PruneError, RemoveError, RenameError, ResizeError, RestartError, StartError, StatsError,
    StopError, TopError, UpdateError,
};
pub use request::{
    CreateContainer, Created, ListQuery, Pruned, RemoveOptions, StopOptions, UpdateQuery,
};
use stats::{StatsQuery, StatsStream};
pub use view::{
    GraphDriver, Inspect, InspectState, NetworkSettings, PortSummary, Summary, SummaryHostConfig,
    SummaryNetworkSettings, Top,
};
pub use wait::{Wait, WaitCondition, WaitConditionError, WaitResult};

/// The containers of an engine. Everywhere `name` is a name, an id or a unique prefix of an id.
#[derive(Clone)]
pub struct Containers {
    #[expect(dead_code, reason = "the bodies follow")]
    inner: Arc<Inner>,
}

impl Containers {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Makes a container; once answered it is on disk.
    pub async fn create(&self, _request: CreateContainer) -> Result<Created, CreateError> {
        todo!("create")
    }

    /// What a container is and how it is doing; `size` also measures its layers.
    pub async fn inspect(&self, _name: &str, _size: bool) -> Result<Inspect, InspectError> {
        todo!("inspect")
    }

    /// The containers that match, newest first.
    pub async fn list(&self, _query: &ListQuery) -> Result<Vec<Summary>, InspectError> {
        todo!("list")
    }

    /// Starts a container. [`StartError::AlreadyStarted`] if it runs.
    pub async fn start(&self, _name: &str) -> Result<(), StartError> {
        todo!("start")
    }

    /// Stops a container: its stop signal, then SIGKILL. [`StopError::AlreadyStopped`] if it does not run.
    pub async fn stop(&self, _name: &str, _options: StopOptions) -> Result<(), StopError> {
        todo!("stop")
    }

    /// Stops a container if it runs, and starts it.
    pub async fn restart(&self, _name: &str, _options: StopOptions) -> Result<(), RestartError> {
        todo!("restart")
    }

    /// Sends a signal (a number or a name), SIGKILL by default.
    pub async fn kill(&self, _name: &str, _signal: Option<&str>) -> Result<(), KillError> {
        todo!("kill")
    }

    /// A future that ends when `condition` holds. The container is looked up at once.
    pub fn wait(&self, _name: &str, _condition: WaitCondition) -> Result<Wait, LookupError> {
        todo!("wait")
    }

    /// Removes a container; its name is free once this is answered.
    pub async fn remove(&self, _name: &str, _options: RemoveOptions) -> Result<(), RemoveError> {
        todo!("remove")
    }

    /// Gives a container another name.
    pub async fn rename(&self, _name: &str, _new_name: &str) -> Result<(), RenameError> {
        todo!("rename")
    }

    /// Freezes all processes of a container.
    pub async fn pause(&self, _name: &str) -> Result<(), PauseError> {
        todo!("pause")
    }

    /// Thaws them.
    pub async fn unpause(&self, _name: &str) -> Result<(), PauseError> {
        todo!("unpause")
    }

    /// Changes resource limits and the restart policy; the answer is warnings.
    pub async fn update(&self, _name: &str, _query: UpdateQuery) -> Result<Vec<String>, UpdateError> {
        todo!("update")
    }

    /// Sets the size of a container's terminal.
    pub async fn resize(&self, _name: &str, _height: u16, _width: u16) -> Result<(), ResizeError> {
        todo!("resize")
    }

    /// The processes of a container as `ps` shows them; `ps_args` is empty for `-ef`.
    pub async fn top(&self, _name: &str, _ps_args: &str) -> Result<Top, TopError> {
        todo!("top")
    }

    /// Resource usage, once or every second.
    pub async fn stats(&self, _name: &str, _query: StatsQuery) -> Result<StatsStream, StatsError> {
        todo!("stats")
    }

    /// A container's log.
    pub async fn logs(&self, _name: &str, _query: LogQuery) -> Result<LogStream, LogsError> {
        todo!("logs")
    }

    /// A container's standard streams; it need not run yet.
    pub async fn attach(&self, _name: &str, _query: AttachQuery) -> Result<AttachStream, AttachError> {
        todo!("attach")
    }

    /// Removes all stopped containers that match (`label`, `label!`, `until`).
    pub async fn prune(&self, _filters: &Filters) -> Result<Pruned, PruneError> {
        todo!("prune")
    }
}

impl fmt::Debug for Containers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Containers")
    }
}
