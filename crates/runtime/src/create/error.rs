//! What can go wrong on the way to a running program.

use std::io;
use std::path::PathBuf;

use lockgate_types::ErrorKind;

use super::hooks::HookError;
use crate::cgroup::CgroupError;
use crate::reason::Reason;

/// Why the new process could not become the container's (or the exec's) program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    #[error("exec: \"{name}\": executable file not found in $PATH")]
    NotInPath { name: String },
    #[error("exec: \"{name}\": stat {name}: {}", Reason(source))]
    ProgramMissing { name: String, source: io::Error },
    #[error("exec: \"{name}\": is a directory: permission denied")]
    ProgramIsDirectory { name: String },
    #[error("exec: \"{name}\": permission denied")]
    ProgramNotExecutable { name: String },
    #[error("exec {name}: {}", Reason(source))]
    Execute { name: String, source: io::Error },
    #[error(
        "chdir to cwd (\"{path}\") set in config.json failed: {}",
        Reason(source)
    )]
    WorkingDirectory { path: PathBuf, source: io::Error },
    #[error(
        "error mounting \"{from}\" to rootfs at \"{to}\": {step}: {}",
        Reason(source)
    )]
    Mount {
        from: PathBuf,
        to: PathBuf,
        step: &'static str,
        source: io::Error,
    },
    #[error("error mounting the overlay root: {step}: {}", Reason(source))]
    Overlay {
        step: &'static str,
        source: io::Error,
    },
    #[error("mount option \"{option}\" of \"{to}\" is not understood")]
    MountOption { option: String, to: PathBuf },
    #[error("creating device node \"{path}\": {}", Reason(source))]
    Device { path: PathBuf, source: io::Error },
    #[error("{path} is not the null device of this host")]
    FalseNull { path: &'static str },
    #[error("masking \"{path}\": {}", Reason(source))]
    Mask { path: String, source: io::Error },
    #[error("making \"{path}\" read-only: {}", Reason(source))]
    Readonly { path: String, source: io::Error },
    #[error("setting sysctl \"{name}\": {}", Reason(source))]
    Sysctl { name: String, source: io::Error },
    #[error("setting rlimit {name}: {}", Reason(source))]
    Rlimit { name: String, source: io::Error },
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error("argument with a NUL byte: {what}")]
    Nul { what: &'static str },
    #[error("{step}: {}", Reason(source))]
    System {
        step: &'static str,
        source: io::Error,
    },
}

impl InitError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::NotInPath { .. } | Self::ProgramMissing { .. } => ErrorKind::NotFound,
            Self::ProgramIsDirectory { .. } | Self::ProgramNotExecutable { .. } => {
                ErrorKind::Denied
            }
            Self::Execute { .. }
            | Self::WorkingDirectory { .. }
            | Self::MountOption { .. }
            | Self::Nul { .. } => ErrorKind::InvalidInput,
            Self::Mount { source, .. } | Self::Sysctl { source, .. } => match source.kind() {
                io::ErrorKind::NotFound
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::InvalidInput => ErrorKind::InvalidInput,
                _ => ErrorKind::Internal,
            },
            Self::Overlay { .. }
            | Self::Device { .. }
            | Self::FalseNull { .. }
            | Self::Mask { .. }
            | Self::Readonly { .. }
            | Self::Rlimit { .. }
            | Self::Hook(_)
            | Self::System { .. } => ErrorKind::Internal,
        }
    }
}

/// Names the step at which a system call failed.
pub(crate) trait Step<T> {
    fn step(self, step: &'static str) -> Result<T, InitError>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: &'static str) -> Result<T, InitError> {
        self.map_err(|error| InitError::System {
            step,
            source: error.into(),
        })
    }
}

/// Why a container or an exec could not be made or started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    /// The specification has no part that is needed.
    #[error("the specification has no `{0}`")]
    Missing(&'static str),
    /// The specification says what it may not.
    #[error("malformed spec file: {0}")]
    Invalid(String),
    /// The specification asks for what this runtime does not do.
    #[error("{0} is not supported by this runtime")]
    Unsupported(String),
    /// The specification's file could not be read.
    #[error("reading {path}: {}", Reason(source))]
    Config {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A kernel parameter that is not the container's own.
    #[error("sysctl \"{name}\" {reason}")]
    Sysctl {
        /// The parameter.
        name: String,
        /// In runc's words.
        reason: &'static str,
    },
    /// A namespace to join could not be opened.
    #[error("opening namespace \"{path}\": {}", Reason(source))]
    Namespace {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The seccomp filter could not be made.
    #[error(transparent)]
    Seccomp(#[from] crate::seccomp::CompileError),
    /// The cgroup could not be made.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// A hook failed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A system call of the creating process failed.
    #[error("{step}: {}", Reason(source))]
    System {
        /// What was being done.
        step: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// The new process reported this.
    #[error("{message}")]
    Init {
        /// Whose fault.
        kind: ErrorKind,
        /// In its words.
        message: String,
    },
    /// The new process ended without a word; usually the kernel killed it for want of memory.
    #[error("container init was killed before it could start (is the memory limit too low?)")]
    Died,
}

impl CreateError {
    /// Whose fault.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) | Self::Invalid(_) | Self::Sysctl { .. } => ErrorKind::InvalidInput,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Namespace { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorKind::Conflict
            }
            Self::Seccomp(error) => error.kind(),
            Self::Cgroup(error) => error.kind(),
            Self::Init { kind, .. } => *kind,
            Self::Config { .. }
            | Self::Namespace { .. }
            | Self::Hook(_)
            | Self::System { .. }
            | Self::Died => ErrorKind::Internal,
        }
    }

    pub(crate) fn system<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::System {
            step,
            source: error.into(),
        }
    }
}
