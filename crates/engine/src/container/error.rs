//! Why an operation on a container fails. The texts are dockerd's, because clients match on them.

use lockgate_types::{ContainerId, ErrorKind, IdError};

use super::config_error::ConfigError;
use crate::filter::FilterError;

/// A name that leads to no container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Neither a name nor an id nor a prefix of one.
    #[error("No such container: {0}")]
    NotFound(String),
    /// A prefix of several ids.
    #[error("multiple IDs found with provided prefix: {0}")]
    Ambiguous(String),
    /// No text at all.
    #[error("No container name or ID supplied")]
    Empty,
}

impl LookupError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Ambiguous(_) | Self::Empty => ErrorKind::InvalidInput,
        }
    }
}

/// A fault of this host or of ours, met while doing what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// A file of ours cannot be read or written.
    #[error("{what}: {reason}")]
    File {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// The image store failed.
    #[error("{0}")]
    Store(String),
    /// The supervising process cannot be started or reached.
    #[error("the container's shim failed: {0}")]
    Shim(String),
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

impl FaultError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::Store(_) | Self::Shim(_) => ErrorKind::Internal,
            Self::Closing => ErrorKind::Unavailable,
        }
    }

    /// Wraps an I/O error.
    pub(crate) fn file(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::File {
            what,
            reason: error.to_string(),
        }
    }
}

/// Why create fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The name is outside the grammar.
    #[error("{0}")]
    Name(IdError),
    /// The name is taken.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: String,
        /// Who has it.
        by: ContainerId,
    },
    /// No such image.
    #[error("{0}")]
    NoImage(String),
    /// The image's name is malformed or ambiguous.
    #[error("{0}")]
    Image(String),
    /// The image is for another platform than the one asked for.
    #[error(
        "image with reference {image} was found but does not provide the specified platform ({platform})"
    )]
    Platform {
        /// The image as it was named.
        image: String,
        /// The platform asked for.
        platform: String,
    },
    /// A container named in `VolumesFrom` or a mode is not there.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A volume cannot be made.
    #[error("{0}")]
    Volume(String),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl CreateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(error) => error.kind(),
            Self::Name(_) | Self::Image(_) => ErrorKind::InvalidInput,
            Self::NameInUse { .. } => ErrorKind::Conflict,
            Self::NoImage(_) | Self::Platform { .. } => ErrorKind::NotFound,
            Self::Lookup(error) => error.kind(),
            Self::Volume(_) => ErrorKind::Internal,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why inspect or list fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A filter makes no sense.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl InspectError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Filter(error) => error.kind(),
        }
    }
}

/// Why start fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It runs.
    #[error("container {0} is already running")]
    AlreadyStarted(ContainerId),
    /// It is frozen.
    #[error("cannot start a paused container, try unpause instead")]
    Paused,
    /// It is being removed.
    #[error("container is marked for removal and cannot be started")]
    Removing,
    /// Something that the configuration names is not there or not usable any more.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The process cannot be started: command not found, not executable, a bad mount.
    #[error("{text}")]
    Runtime {
        /// dockerd's whole sentence.
        text: String,
        /// Whether it is the caller's fault.
        invalid: bool,
    },
    /// The network cannot be joined.
    #[error("failed to set up container networking: {0}")]
    Network(String),
    /// A network that is named is not there.
    #[error("failed to set up container networking: network {0} not found")]
    NoNetwork(String),
    /// A volume cannot be mounted.
    #[error("{0}")]
    Volume(String),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl StartError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::AlreadyStarted(_) => ErrorKind::NotModified,
            Self::NoNetwork(_) => ErrorKind::NotFound,
            Self::Paused | Self::Removing => ErrorKind::Conflict,
            Self::Config(error) => error.kind(),
            Self::Runtime { invalid: true, .. } => ErrorKind::InvalidInput,
            Self::Runtime { invalid: false, .. } | Self::Network(_) | Self::Volume(_) => {
                ErrorKind::Internal
            }
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why stop fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("container {0} is already stopped")]
    AlreadyStopped(ContainerId),
    /// The signal has no such name.
    #[error("invalid signal: {0}")]
    Signal(String),
    /// A fault of the host.
    #[error("cannot stop container: {name}: {fault}")]
    Fault {
        /// The container as it was named.
        name: String,
        /// What happened.
        fault: FaultError,
    },
}

impl StopError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::AlreadyStopped(_) => ErrorKind::NotModified,
            Self::Signal(_) => ErrorKind::InvalidInput,
            Self::Fault { fault, .. } => fault.kind(),
        }
    }
}

/// Why restart fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestartError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It cannot be stopped.
    #[error("Cannot restart container {name}: {source}")]
    Stop {
        /// The container as it was named.
        name: String,
        /// Why.
        source: StopError,
    },
    /// It cannot be started.
    #[error("Cannot restart container {name}: {source}")]
    Start {
        /// The container as it was named.
        name: String,
        /// Why.
        source: StartError,
    },
}

impl RestartError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Stop { source, .. } => source.kind(),
            Self::Start { source, .. } => source.kind(),
        }
    }
}

/// Why kill fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KillError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The signal has no such name.
    #[error("invalid signal: {0}")]
    Signal(String),
    /// It does not run.
    #[error("cannot kill container: {name}: container {id} is not running")]
    NotRunning {
        /// The container as it was named.
        name: String,
        /// Its id.
        id: ContainerId,
    },
    /// A fault of the host.
    #[error("cannot kill container: {name}: {fault}")]
    Fault {
        /// The container as it was named.
        name: String,
        /// What happened.
        fault: FaultError,
    },
}

impl KillError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Signal(_) => ErrorKind::InvalidInput,
            Self::NotRunning { .. } => ErrorKind::Conflict,
            Self::Fault { fault, .. } => fault.kind(),
        }
    }
}

/// Why remove fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It runs, or waits for its next start.
    #[error(
        "cannot remove container \"{name}\": container is {state}: stop the container before removing or force remove"
    )]
    Running {
        /// The container as it was named.
        name: String,
        /// running or restarting.
        state: &'static str,
    },
    /// It is frozen.
    #[error("cannot remove container \"{0}\": container is paused and must be unpaused first")]
    Paused(String),
    /// Somebody else is removing it.
    #[error("removal of container {0} is already in progress")]
    InProgress(String),
    /// Links are not kept.
    #[error("Could not get parent for {0}: no such link")]
    NoLink(String),
    /// A fault of the host.
    #[error("cannot remove container \"{name}\": {fault}")]
    Fault {
        /// The container as it was named.
        name: String,
        /// What happened.
        fault: FaultError,
    },
}

impl RemoveError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Running { .. } | Self::Paused(_) | Self::InProgress(_) => ErrorKind::Conflict,
            Self::NoLink(_) => ErrorKind::Internal,
            Self::Fault { fault, .. } => fault.kind(),
        }
    }
}

/// Why rename fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// One of the names is empty.
    #[error("Neither old nor new names may be empty")]
    Empty,
    /// It has that name.
    #[error("Renaming a container with the same name as its current name")]
    Same,
    /// The new name is outside the grammar.
    #[error("{0}")]
    Name(IdError),
    /// The new name is taken.
    #[error(
        "Error when allocating new name: Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: String,
        /// Who has it.
        by: ContainerId,
    },
    /// It is being removed.
    #[error("container is marked for removal and cannot be renamed")]
    Removing,
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl RenameError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Empty | Self::Same | Self::Name(_) => ErrorKind::InvalidInput,
            Self::NameInUse { .. } | Self::Removing => ErrorKind::Conflict,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why pause or unpause fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PauseError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("Container {0} is not running")]
    NotRunning(ContainerId),
    /// It is frozen already.
    #[error("Container {0} is already paused")]
    AlreadyPaused(ContainerId),
    /// It is not frozen. dockerd answers this with a server error.
    #[error("Container {0} is not paused")]
    NotPaused(ContainerId),
    /// It waits for its next start.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// A fault of the host.
    #[error("Cannot {verb} container {id}: {fault}")]
    Fault {
        /// pause or unpause.
        verb: &'static str,
        /// The container.
        id: ContainerId,
        /// What happened.
        fault: FaultError,
    },
}

impl PauseError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotRunning(_) | Self::AlreadyPaused(_) | Self::Restarting(_) => {
                ErrorKind::Conflict
            }
            Self::NotPaused(_) => ErrorKind::Internal,
            Self::Fault { fault, .. } => fault.kind(),
        }
    }
}

/// Why update fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The values make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is being removed.
    #[error(
        "Cannot update container {0}: container is marked for removal and cannot be \"update\""
    )]
    Removing(ContainerId),
    /// A fault of the host.
    #[error("Cannot update container {id}: {fault}")]
    Fault {
        /// The container.
        id: ContainerId,
        /// What happened.
        fault: FaultError,
    },
}

impl UpdateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Removing(_) => ErrorKind::Conflict,
            Self::Fault { fault, .. } => fault.kind(),
        }
    }
}

/// Why resize fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResizeError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("container {0} is not running")]
    NotRunning(ContainerId),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl ResizeError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotRunning(_) => ErrorKind::Conflict,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why top fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("container {0} is not running")]
    NotRunning(ContainerId),
    /// It waits for its next start.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// `ps` does not show the column that tells processes apart.
    #[error("Couldn't find PID field in ps output")]
    NoPid,
    /// `ps` refuses its arguments.
    #[error("ps: {0}")]
    Ps(String),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl TopError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotRunning(_) | Self::Restarting(_) => ErrorKind::Conflict,
            Self::NoPid | Self::Ps(_) => ErrorKind::Internal,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why stats fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatsError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

impl StatsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
        }
    }
}

/// Why logs fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogsError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Neither standard output nor standard error is wanted.
    #[error("Bad parameters: you must choose at least one stream")]
    NoStream,
    /// It is being removed.
    #[error("can not get logs from container which is dead or marked for removal")]
    Removing,
    /// Its logging driver keeps nothing.
    #[error("configured logging driver does not support reading")]
    Unreadable,
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl LogsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NoStream => ErrorKind::InvalidInput,
            Self::Removing => ErrorKind::Conflict,
            Self::Unreadable => ErrorKind::Unsupported,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why attach fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It is frozen.
    #[error("container {0} is paused, unpause the container before attach")]
    Paused(ContainerId),
    /// It waits for its next start.
    #[error("container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// The detach keys cannot be parsed.
    #[error("Invalid detach keys ({0}) provided")]
    DetachKeys(String),
    /// The log was wanted and cannot be read.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl AttachError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Paused(_) | Self::Restarting(_) => ErrorKind::Conflict,
            Self::DetachKeys(_) => ErrorKind::InvalidInput,
            Self::Logs(error) => error.kind(),
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why prune fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PruneError {
    /// A filter makes no sense.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Another prune is running.
    #[error("a prune operation is already running")]
    Running,
}

impl PruneError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Filter(error) => error.kind(),
            Self::Running => ErrorKind::Conflict,
        }
    }
}
