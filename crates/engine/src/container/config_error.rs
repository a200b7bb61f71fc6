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
    #[error("Cannot mkdir: {0} is not a directory")]
    WorkingDirFile(String),
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
    #[error("invalid restart policy: maximum retry count can only be used with 'on-failure'")]
    RestartCount,
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
    #[error("invalid network mode: invalid container format container:<name|id>")]
    NetworkMode,
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
    #[error(
        "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode"
    )]
    PrivilegedRemapped,
    #[error("cannot share the {0} namespace when user namespaces are enabled")]
    RemappedWith(&'static str),
    #[error("invalid isolation ({0}): linux only supports 'default'")]
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
    #[error("invalid --security-opt 2: \"{0}\"")]
    SecurityValue(String),
    #[error("{0}")]
    Seccomp(String),
    #[error("conflicting options: hostname and the UTS mode")]
    HostnameWithUts,
    #[error("conflicting options: custom host-to-IP mapping and the network mode")]
    HostsWithNetwork,
    #[error("conflicting options: dns and the network mode")]
    DnsWithNetwork,
    #[error("conflicting options: port exposing and the container type network mode")]
    ExposedWithContainerNetwork,
    #[error(
        "conflicting options: {0} type network{1} be used with links. This would result in undefined behavior"
    )]
    LinksWithNetwork(&'static str, &'static str),
    #[error("could not get container for {0}: No such container: {0}")]
    NoLinked(String),
    #[error("bad format for links: {0}")]
    LinkFormat(String),
    #[error(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior"
    )]
    LinkHost,
    #[error("Cannot link to a non running container: /{target} AS /{owner}/{alias}")]
    LinkStopped {
        target: String,
        owner: String,
        alias: String,
    },
    #[error("container {0} not attached to default bridge network")]
    LinkNetwork(String),
    #[error("No such container: {0}")]
    NoContainer(String),
    #[error("invalid Annotations: the empty string is not permitted as an annotation key")]
    Annotation,
    #[error("bad nameserver address {0}: ParseAddr(\"{0}\"): unable to parse IP")]
    Dns(String),
    #[error("invalid config for network {network}: invalid MAC address {address}")]
    EndpointMac { network: String, address: String },
    #[error("stat {path}: {reason}")]
    BlockDevice { path: String, reason: String },
    #[error("Cannot update container {id}: {what}")]
    Update { id: String, what: &'static str },
    #[error("mount options conflict: {0}")]
    MountConflict(&'static str),
    #[error("path {path} is mounted on {on} but it is not a {wanted} mount")]
    NotShared {
        path: String,
        on: String,
        wanted: &'static str,
    },
    #[error(
        "failed to join IPC namespace: container {0}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
    )]
    NotShareable(String),
    #[error("CDI device injection failed: {0}")]
    Cdi(String),
    #[error("unexpected {0} in CDI device request")]
    CdiRequest(&'static str),
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
    #[error("invalid CPU shares ({0}): value must be a positive integer")]
    CpuShares(i64),
    #[error(
        "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted"
    )]
    NanoCpusWithoutCfs,
    #[error("kernel does not support CPU real-time scheduler")]
    NoRealtime,
    #[error("cpu real-time runtime cannot be higher than cpu real-time period")]
    Realtime,
    #[error("invalid option: QoS maximum {0} configuration is not supported on linux")]
    IoMaximum(&'static str),
    #[error("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")]
    CpuPeriod,
    #[error("CPU cfs quota can not be less than 1ms (i.e. 1000)")]
    CpuQuota,
    #[error("Invalid value {1} for cpuset {0}: invalid format: {1}")]
    Cpuset(SetKind, String),
    #[error("Requested {} are not available - requested {requested}, available: {available}", what.long())]
    CpusetUnavailable {
        what: SetKind,
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
    #[error("Unknown option {0}")]
    StorageOption(String),
    #[error("invalid volume specification: '{0}'")]
    VolumeSpec(String),
    #[error("invalid volume specification: '{0}': {1}")]
    Bind(String, Box<Self>),
    #[error("invalid mode: {0}")]
    VolumesFromMode(String),
    #[error("volumes-from specification cannot be an empty string")]
    VolumesFromEmpty,
    #[error("invalid mode: {0}")]
    VolumeMode(String),
    #[error("create {0}: {1}")]
    VolumeName(String, lockgate_types::IdError),
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
    #[error("invalid mount config for type \"{0}\": mount type unknown")]
    MountKind(String),
    #[error(
        "invalid mount config for type \"volume\": must not set {0} when using anonymous volumes"
    )]
    Anonymous(&'static str),
    #[error(
        "invalid mount config for type \"{0}\": subpath must be a relative path within the volume"
    )]
    Subpath(&'static str),
    #[error("cannot access path {path}: {reason}")]
    NoSubpath { path: String, reason: String },
    #[error(
        "the bind source {path} leads to {real}, which is not below a path that its maker may mount"
    )]
    OutsideRoots { path: String, real: String },
    #[error("invalid tmpfs option \"{0}\"")]
    Tmpfs(String),
    #[error("invalid mount path: '{0}' mount path must be absolute")]
    TmpfsPath(String),
    #[error("invalid specification: destination can't be '/'")]
    TmpfsRoot,
    #[error("invalid mount config for type \"tmpfs\": invalid option: {0}")]
    TmpfsOption(String),
    #[error("{0}")]
    User(String),
    #[error(
        "cannot join network namespace of a non running container: container {name} is {status}"
    )]
    JoinNetwork { name: String, status: &'static str },
    #[error("failed to join {what} namespace: container {id} is not running")]
    JoinNamespace { what: &'static str, id: String },
    #[error("failed to join {0} namespace: invalid name or ID supplied: \"\"")]
    JoinNobody(&'static str),
    #[error(
        "cannot join the namespaces of a container that runs with --userns=host from one that does not: run both with it, or neither"
    )]
    JoinHosts,
    #[error(
        "cannot join namespaces of two containers whose user namespaces differ: let the second join the first, or run all with --userns=host"
    )]
    JoinTwo,
}

impl ConfigError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Update { .. }
            | Self::JoinNetwork { .. }
            | Self::JoinNamespace { .. }
            | Self::JoinHosts
            | Self::JoinTwo => ErrorKind::Conflict,
            Self::NoSubpath { .. } => ErrorKind::NotFound,
            Self::OutsideRoots { .. } => ErrorKind::Denied,
            // dockerd answers these with a server error, whosever fault they are.
            Self::Bind(..)
            | Self::BlockDevice { .. }
            | Self::Cdi(_)
            | Self::Device { .. }
            | Self::DeviceDriver { .. }
            | Self::DeviceRule(_)
            | Self::Dns(_)
            | Self::LinkFormat(_)
            | Self::LinkNetwork(_)
            | Self::LinkStopped { .. }
            | Self::MountConflict(_)
            | Self::NotShared { .. }
            | Self::Seccomp(_)
            | Self::SecurityOpt(_)
            | Self::SecurityValue(_)
            | Self::StorageOpt
            | Self::StorageOption(_)
            | Self::Tmpfs(_)
            | Self::User(_)
            | Self::VolumeMode(_)
            | Self::VolumeSpec(_)
            | Self::CdiRequest(_) => ErrorKind::Internal,
            Self::NoCommand
            | Self::WorkingDir(_)
            | Self::WorkingDirFile(_)
            | Self::Env(_)
            | Self::StopSignal(_)
            | Self::HealthInterval(_)
            | Self::HealthRetries
            | Self::AutoRemoveWithRestart
            | Self::RestartPolicy(_)
            | Self::RestartCount
            | Self::RestartNegative
            | Self::Port(_)
            | Self::Protocol(_)
            | Self::HostIp(_)
            | Self::HostPort(_)
            | Self::EndpointIp(_)
            | Self::Mac(_)
            | Self::NetworkMode
            | Self::PortsWithContainerNetwork
            | Self::HostnameWithNetwork
            | Self::Aliases
            | Self::IpcMode(_)
            | Self::PidMode(_)
            | Self::UtsMode(_)
            | Self::CgroupnsMode(_)
            | Self::UsernsMode(_)
            | Self::PrivilegedRemapped
            | Self::RemappedWith(_)
            | Self::Isolation(_)
            | Self::Runtime(_)
            | Self::AddHost(_)
            | Self::AddHostIp(_)
            | Self::CapAdd(_)
            | Self::CapDrop(_)
            | Self::HostnameWithUts
            | Self::HostsWithNetwork
            | Self::DnsWithNetwork
            | Self::ExposedWithContainerNetwork
            | Self::LinksWithNetwork(..)
            | Self::NoLinked(_)
            | Self::NoContainer(_)
            | Self::Annotation
            | Self::EndpointMac { .. }
            | Self::NotShareable(_)
            | Self::JoinNobody(_)
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
            | Self::CpuShares(_)
            | Self::NanoCpusWithoutCfs
            | Self::NoRealtime
            | Self::Realtime
            | Self::IoMaximum(_)
            | Self::CpuPeriod
            | Self::CpuQuota
            | Self::Cpuset(..)
            | Self::CpusetUnavailable { .. }
            | Self::BlkioWeight
            | Self::LogOptions(_)
            | Self::VolumesFromEmpty
            | Self::Ulimit(_)
            | Self::LinkHost
            | Self::VolumesFromMode(_)
            | Self::UlimitRange { .. }
            | Self::VolumeName(..)
            | Self::DuplicateMount(_)
            | Self::MountField { .. }
            | Self::MountExtra { .. }
            | Self::MountPath { .. }
            | Self::MountRoot { .. }
            | Self::BindSource(_)
            | Self::Propagation(_)
            | Self::MountKind(_)
            | Self::Anonymous(_)
            | Self::Subpath(_)
            | Self::TmpfsPath(_)
            | Self::TmpfsRoot
            | Self::TmpfsOption(_) => ErrorKind::InvalidInput,
        }
    }
}

/// A set of processors or of memory nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// Processors.
    Cpus,
    /// Memory nodes.
    Mems,
}

impl SetKind {
    const fn long(self) -> &'static str {
        match self {
            Self::Cpus => "CPUs",
            Self::Mems => "memory nodes",
        }
    }
}

impl std::fmt::Display for SetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cpus => "cpus",
            Self::Mems => "mems",
        })
    }
}
