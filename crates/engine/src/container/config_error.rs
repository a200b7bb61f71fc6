//! What can be wrong with a container's configuration; the texts are dockerd's.

use lockgate_net::{MacError, ProtocolError};
use lockgate_types::ErrorKind;

/// A configuration that makes no sense, or asks for what this host cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum ConfigError {
    #[error("no command specified")]
    NoCommand,
    #[error("the working directory '{0}' is invalid, it needs to be an absolute path")]
    WorkingDir(String),
    #[error("invalid environment variable: {0}")]
    Env(String),
    #[error("invalid signal: {0}")]
    StopSignal(String),
    #[error("{0} in Healthcheck cannot be less than 1ms")]
    HealthInterval(&'static str),
    #[error("Retries in Healthcheck cannot be negative")]
    HealthRetries,
    #[error("can't create 'AutoRemove' container with restart policy")]
    AutoRemoveWithRestart,
    #[error(
        "invalid restart policy: unknown policy '{0}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
    )]
    RestartPolicy(String),
    #[error("invalid restart policy: maximum retry count cannot be used with restart policy '{0}'")]
    RestartCount(String),
    #[error("invalid restart policy: maximum retry count cannot be negative")]
    RestartNegative,
    #[error("invalid port specification: \"{0}\"")]
    Port(String),
    #[error(transparent)]
    Protocol(ProtocolError),
    #[error("invalid IP address \"{0}\" in port binding")]
    HostIp(String),
    #[error("invalid port specification: \"{0}\"")]
    HostPort(String),
    #[error("invalid IP address \"{0}\" in endpoint configuration")]
    EndpointIp(String),
    #[error(transparent)]
    Mac(MacError),
    #[error("invalid network mode: {0}")]
    NetworkMode(String),
    #[error("conflicting options: port publishing and the container type network mode")]
    PortsWithContainerNetwork,
    #[error("conflicting options: hostname and the network mode")]
    HostnameWithNetwork,
    #[error("network-scoped aliases are only supported for user-defined networks")]
    Aliases,
    #[error("invalid IPC mode: {0}")]
    IpcMode(String),
    #[error("invalid PID mode: {0}")]
    PidMode(String),
    #[error("invalid UTS mode: {0}")]
    UtsMode(String),
    #[error("invalid cgroup namespace mode: {0}")]
    CgroupnsMode(String),
    #[error("invalid userns mode: {0}")]
    UsernsMode(String),
    #[error("invalid isolation '{0}' on linux")]
    Isolation(String),
    #[error("unknown or invalid runtime name: {0}")]
    Runtime(String),
    #[error("bad format for add-host: \"{0}\"")]
    AddHost(String),
    #[error("invalid IP address in add-host: \"{0}\"")]
    AddHostIp(String),
    #[error("invalid CapAdd: unknown capability: \"{0}\"")]
    CapAdd(String),
    #[error("invalid CapDrop: unknown capability: \"{0}\"")]
    CapDrop(String),
    #[error("invalid --security-opt 1: \"{0}\"")]
    SecurityOpt(String),
    #[error("opening seccomp profile ({path}) failed: {reason}")]
    Seccomp { path: String, reason: String },
    #[error("SHM size can not be less than 0")]
    ShmSize,
    #[error("Invalid value {0}, range for oom score adj is [-1000, 1000]")]
    OomScoreAdj(i64),
    #[error("Minimum memory limit allowed is 6MB")]
    MemoryLimit,
    #[error("Minimum memory reservation allowed is 6MB")]
    MemoryReservation,
    #[error("Minimum memory limit can not be less than memory reservation limit, see usage")]
    MemoryBelowReservation,
    #[error("You should always set the Memory limit when using Memoryswap limit, see usage")]
    SwapWithoutMemory,
    #[error("Minimum memoryswap limit should be larger than memory limit, see usage")]
    SwapBelowMemory,
    #[error("Invalid value: {0}, valid memory swappiness range is 0-100")]
    Swappiness(i64),
    #[error("Conflicting options: Nano CPUs and CPU Period cannot both be set")]
    NanoCpusAndPeriod,
    #[error("Conflicting options: Nano CPUs and CPU Quota cannot both be set")]
    NanoCpusAndQuota,
    #[error("range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available")]
    NanoCpus(usize),
    #[error("CPU shares cannot be negative")]
    CpuShares,
    #[error("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")]
    CpuPeriod,
    #[error("CPU cfs quota can not be less than 1ms (i.e. 1000)")]
    CpuQuota,
    #[error("Invalid value {0} for cpuset cpus")]
    CpusetCpus(String),
    #[error("Invalid value {0} for cpuset mems")]
    CpusetMems(String),
    #[error("Requested CPUs are not available - requested {requested}, available: {available}")]
    CpusUnavailable {
        requested: String,
        available: String,
    },
    #[error("Range of blkio weight is from 10 to 1000")]
    BlkioWeight,
    #[error("invalid ulimit type: {0}")]
    Ulimit(String),
    #[error("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")]
    UlimitRange { soft: i64, hard: i64 },
    #[error("invalid device cgroup rule format: '{0}'")]
    DeviceRule(String),
    #[error("error gathering device information while adding custom device \"{path}\": {reason}")]
    Device { path: String, reason: String },
    #[error("could not select device driver \"{driver}\" with capabilities: {capabilities}")]
    DeviceDriver {
        driver: String,
        capabilities: String,
    },
    #[error("{0}")]
    LogOptions(String),
    #[error("--storage-opt is supported only for overlay over xfs with 'pquota' mount option")]
    StorageOpt,
    #[error("invalid volume specification: '{0}'")]
    VolumeSpec(String),
    #[error(
        "invalid volume specification: '{0}': invalid mount config for type \"volume\": invalid mount path: '{1}' mount path must be absolute"
    )]
    VolumePath(String, String),
    #[error("invalid mode: {0}")]
    VolumeMode(String),
    #[error("{0}")]
    VolumeName(lockgate_types::IdError),
    #[error("Duplicate mount point: {0}")]
    DuplicateMount(String),
    #[error("invalid mount config for type \"{kind}\": field {field} must not be empty")]
    MountField {
        kind: &'static str,
        field: &'static str,
    },
    #[error("invalid mount config for type \"{kind}\": field {field} must not be specified")]
    MountExtra {
        kind: &'static str,
        field: &'static str,
    },
    #[error(
        "invalid mount config for type \"{kind}\": invalid mount path: '{path}' mount path must be absolute"
    )]
    MountPath { kind: &'static str, path: String },
    #[error(
        "invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'"
    )]
    MountRoot { kind: &'static str },
    #[error("invalid mount config for type \"bind\": bind source path does not exist: {0}")]
    BindSource(String),
    #[error("invalid mount config for type \"bind\": invalid propagation mode: {0}")]
    Propagation(String),
    #[error("mount type unknown: \"{0}\"")]
    MountKind(&'static str),
    #[error("invalid mount config for type \"volume\": a subpath is not supported: {0}")]
    Subpath(String),
    #[error("invalid volumes-from specification: {0}")]
    VolumesFrom(String),
    #[error("invalid tmpfs option [\"{0}\"]")]
    Tmpfs(String),
    #[error("{0}")]
    User(String),
    #[error("cannot join network of a non running container: {0}")]
    JoinNetwork(String),
    #[error("cannot join the {what} namespace of a non running container: {name}")]
    JoinNamespace { what: &'static str, name: String },
}

impl ConfigError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::JoinNetwork(_) | Self::JoinNamespace { .. } => ErrorKind::Conflict,
            Self::NoCommand
            | Self::WorkingDir(_)
            | Self::Env(_)
            | Self::StopSignal(_)
            | Self::HealthInterval(_)
            | Self::HealthRetries
            | Self::AutoRemoveWithRestart
            | Self::RestartPolicy(_)
            | Self::RestartCount(_)
            | Self::RestartNegative
            | Self::Port(_)
            | Self::Protocol(_)
            | Self::HostIp(_)
            | Self::HostPort(_)
            | Self::EndpointIp(_)
            | Self::Mac(_)
            | Self::NetworkMode(_)
            | Self::PortsWithContainerNetwork
            | Self::HostnameWithNetwork
            | Self::Aliases
            | Self::IpcMode(_)
            | Self::PidMode(_)
            | Self::UtsMode(_)
            | Self::CgroupnsMode(_)
            | Self::UsernsMode(_)
            | Self::Isolation(_)
            | Self::Runtime(_)
            | Self::AddHost(_)
            | Self::AddHostIp(_)
            | Self::CapAdd(_)
            | Self::CapDrop(_)
            | Self::SecurityOpt(_)
            | Self::Seccomp { .. }
            | Self::ShmSize
            | Self::OomScoreAdj(_)
            | Self::MemoryLimit
            | Self::MemoryReservation
            | Self::MemoryBelowReservation
            | Self::SwapWithoutMemory
            | Self::SwapBelowMemory
            | Self::Swappiness(_)
            | Self::NanoCpusAndPeriod
            | Self::NanoCpusAndQuota
            | Self::NanoCpus(_)
            | Self::CpuShares
            | Self::CpuPeriod
            | Self::CpuQuota
            | Self::CpusetCpus(_)
            | Self::CpusetMems(_)
            | Self::CpusUnavailable { .. }
            | Self::BlkioWeight
            | Self::Ulimit(_)
            | Self::UlimitRange { .. }
            | Self::DeviceRule(_)
            | Self::LogOptions(_)
            | Self::StorageOpt
            | Self::VolumeSpec(_)
            | Self::VolumePath(..)
            | Self::VolumeMode(_)
            | Self::VolumeName(_)
            | Self::DuplicateMount(_)
            | Self::MountField { .. }
            | Self::MountExtra { .. }
            | Self::MountPath { .. }
            | Self::MountRoot { .. }
            | Self::BindSource(_)
            | Self::Propagation(_)
            | Self::MountKind(_)
            | Self::Subpath(_)
            | Self::VolumesFrom(_)
            | Self::Tmpfs(_) => ErrorKind::InvalidInput,
            Self::Device { .. } | Self::DeviceDriver { .. } | Self::User(_) => ErrorKind::Internal,
        }
    }
}
