//! Why starting, stopping or removing a container fails.

use lockgate_types::{ContainerId, ErrorKind, SignalError};

use super::{FaultError, LookupError};
use crate::container::config_error::ConfigError;
use crate::within::WithinError;

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
    /// The container whose network is to be joined is not there.
    #[error("joining network namespace of container: {0}")]
    JoinNetwork(String),
    /// A network that is named is not there.
    #[error("failed to set up container networking: network {0} not found")]
    NoNetwork(String),
    /// `none` is one of several.
    #[error(
        "failed to set up container networking: container cannot be connected to multiple networks with one of the networks in private (none) mode"
    )]
    PrivateNetwork,
    /// A volume cannot be mounted.
    #[error("{0}")]
    Volume(String),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl From<WithinError> for StartError {
    fn from(error: WithinError) -> Self {
        match error {
            WithinError::Refused(error) => error.into(),
            WithinError::Fault(fault) => fault.into(),
        }
    }
}

impl StartError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::AlreadyStarted(_) => ErrorKind::NotModified,
            Self::NoNetwork(_) => ErrorKind::NotFound,
            Self::PrivateNetwork => ErrorKind::Denied,
            Self::Paused | Self::Removing => ErrorKind::Conflict,
            Self::Config(error) => error.kind(),
            Self::Runtime { invalid: true, .. } => ErrorKind::InvalidInput,
            Self::Runtime { invalid: false, .. }
            | Self::JoinNetwork(_)
            | Self::Network(_)
            | Self::Volume(_) => ErrorKind::Internal,
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
    #[error("cannot stop container: {0}: {1}")]
    Signal(String, SignalError),
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
            Self::Signal(..) => ErrorKind::InvalidInput,
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
    /// It cannot be stopped like that.
    #[error("Cannot restart container {name}: {source}")]
    Signal {
        /// The container as it was named.
        name: String,
        /// Why.
        source: SignalError,
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
            Self::Signal { .. } => ErrorKind::InvalidInput,
            Self::Start { source, .. } => source.kind(),
        }
    }
}

/// Why kill fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KillError {
    /// No such container.
    #[error("cannot kill container: {0}: {1}")]
    Lookup(String, LookupError),
    /// There is no such signal.
    #[error("cannot kill container: {0}: {1}")]
    Signal(String, SignalError),
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
            Self::Lookup(_, error) => error.kind(),
            Self::Signal(..) => ErrorKind::InvalidInput,
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
    /// What every container is called is no link to it.
    #[error("Conflict, cannot remove the default link name of the container")]
    DefaultLink,
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
            Self::DefaultLink => ErrorKind::Internal,
            Self::Fault { fault, .. } => fault.kind(),
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
    #[error("container {0} is not running")]
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
