//! Containers: what can be asked of them, and the task that owns each.
//!
//! ```text
//! Containers ── registry ── Container (facts, lifeline) ── requests ──► Driver (state, queue)
//!   create list inspect wait        ▲ published by the driver             start stop kill pause
//!   logs attach top stats resize    └──────────────────────────────────   rename update remove exit
//! ```
//!
//! What only reads goes by the published facts; what changes a container goes through its driver.

mod asked;
mod attach;
mod commit;
mod config_error;
mod connect;
pub(crate) mod create;
mod driver;
pub(crate) mod error;
pub(crate) mod events;
mod exit;
mod files;
pub(crate) mod handle;
mod health;
mod inspect;
mod kill;
mod list;
mod log_driver;
mod logs;
mod names;
mod pause;
mod prune;
mod queue;
pub(crate) mod record;
pub(crate) mod registry;
mod remove;
mod rename;
mod request;
mod resize;
mod restart;
pub(crate) mod restore;
pub(crate) mod runtime;
pub(crate) mod spec;
pub(crate) mod start;
pub(crate) mod state;
pub(crate) mod stats;
mod stop;
mod top;
mod unlink;
mod update;
mod view;
mod wait;

use std::fmt;
use std::sync::Arc;

use crate::engine::Inner;

pub use asked::Asked;
pub use attach::{AttachQuery, AttachStream};
pub(crate) use attach::{Duplex, StdinEnd, keys as attach_keys};
pub use commit::{CommitContainer, CommitError};
pub use config_error::{ConfigError, SetKind};
pub use error::{
    AttachError, CreateError, FaultError, InspectError, KillError, LogsError, LookupError,
    PauseError, PruneError, RemoveError, RenameError, ResizeError, RestartError, StartError,
    StatsError, StopError, TopError, UpdateError,
};
pub use files::{
    Change, ChangeKind, ChangesError, Export, ExtractOptions, FileArchive, Files, FilesError,
    PathStat,
};
pub(crate) use handle::{Container, Facts, Lifeline};
pub use health::{Health, HealthProbe, HealthStatus};
pub use request::{
    CreateContainer, Created, ListQuery, Pruned, RemoveOptions, StopOptions, UpdateQuery,
};
pub(crate) use state::Status;
pub use view::{
    GraphDriver, Inspect, InspectState, NetworkSettings, PortSummary, Summary, SummaryHostConfig,
    SummaryNetworkSettings, Top,
};
pub use wait::{Wait, WaitCondition, WaitConditionError, WaitResult};

/// The containers of an engine. Everywhere `name` is a name, an id or a unique prefix of an id.
#[derive(Clone)]
pub struct Containers {
    inner: Arc<Inner>,
}

impl Containers {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for Containers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Containers")
    }
}
