//! The container engine: operations on containers, execs, images, volumes and networks.
//!
//! [`Engine`] is a cheap handle. Each container is owned by one task (`container::driver`), fed by
//! a queue, so that no two operations on one container interleave. What an operation answered is on
//! disk before the answer; events are published after that. Containers run under a shim process of
//! their own and outlive this process; [`Engine::open`] finds them again.
//!
//! ```text
//! Engine ── containers() ── registry: names, id prefixes ── Container ── queue ── driver task
//!    │                                                                               │ socketpair
//!    ├── execs()   images()   volumes()   networks()   events()                      ▼
//!    └── store, net (blocking crates, called from worker threads)          lockgate-shim process
//! ```
//!
//! The engine knows nothing of HTTP, of API versions or of who is asking. State-changing
//! operations run in tasks of their own: dropping the caller's future does not stop them half way.
#![forbid(unsafe_code)]

mod apparmor;
mod cdi;
mod config;
mod container;
mod engine;
mod event;
mod exec;
mod filter;
mod host;
mod image;
mod info;
mod limits;
mod log;
mod network;
mod rootfs;
mod shim;
mod usage;
mod volume;
mod within;

pub use config::{EngineConfig, LogDefaults, OpenError, RuntimeSpec};
pub use container::stats::{
    BlkioEntry, BlkioStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, Stats,
    StatsQuery, StatsStream, ThrottlingData,
};
pub use container::{
    Asked, AttachError, AttachQuery, AttachStream, Change, ChangeKind, ChangesError,
    CommitContainer, CommitError, ConfigError, Containers, CreateContainer, CreateError, Created,
    Export, ExtractOptions, FaultError, FileArchive, Files, FilesError, GraphDriver, Health,
    HealthProbe, HealthStatus, Inspect, InspectError, InspectState, KillError, ListQuery,
    LogsError, LookupError, NetworkSettings, PathStat, PauseError, PortSummary, PruneError, Pruned,
    RemoveError, RemoveOptions, RenameError, ResizeError, RestartError, SetKind, StartError,
    StatsError, StopError, StopOptions, Summary, SummaryHostConfig, SummaryNetworkSettings, Top,
    TopError, UpdateError, UpdateQuery, Wait, WaitCondition, WaitConditionError, WaitResult,
};
pub use engine::Engine;
pub use event::{EventQuery, EventStream, Events};
pub use exec::{
    AskedExec, CreateExec, ExecError, ExecInspect, ExecStream, Execs, ProcessConfig, StartExec,
};
pub use filter::{FilterError, Filters};
pub use image::{
    ChangeError, DeletedImage, ImageError, ImageHistory, ImageInspect, ImageListQuery,
    ImageSummary, Images, ImportImage, ImportImageError, LoadImageError, LoadMessage, PrunedImages,
    RemoveConflict, RemoveImage, RemoveImageError, SavePlan, TagImageError,
};
pub use info::{Commit, Info, Plugins, RuntimeInfo, Swarm};
pub use lockgate_store::PackError;
pub use log::{LogQuery, LogStream};
pub use network::{
    ConfigReference, CreateNetwork, Ipam, IpamPool, Member, Network, NetworkError, Networks,
};
pub use usage::{DiskUsage, DiskUsageError};
pub use volume::{
    CreateVolume, CreateVolumeError, OptionError, PrunedVolumes, RemoveVolumeError, VolumeError,
    VolumeFault, VolumeInfo, VolumeUsage, Volumes,
};
