//! Commands of docker that this program does not have: read where somebody asks what they would come to.

use clap::{Args, Subcommand};

use super::value;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum DockerVerb {
    /// Build an image by the builder of the daemon
    Build(Box<BuildArgs>),
    /// Builds of the daemon
    Builder(BuilderGroup),
    /// Checkpoints of containers
    Checkpoint(CheckpointGroup),
    /// Log in to a registry
    Login(LoginArgs),
    /// Send an image to a registry
    Push(PushArgs),
    /// Search a registry
    Search(SearchArgs),
    /// Volumes of a cluster
    Volume(ClusterVolumeGroup),
}

/// `build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[arg(long, value_name = "list")]
    add_host: Vec<String>,
    #[arg(long, value_name = "list")]
    build_arg: Vec<String>,
    #[arg(long, value_name = "strings")]
    cache_from: Vec<String>,
    #[arg(long, value_name = "string")]
    pub(crate) cgroup_parent: Option<String>,
    #[arg(long)]
    compress: bool,
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_period: Option<i64>,
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_quota: Option<i64>,
    #[arg(long, short, value_name = "int", value_parser = value::integer)]
    cpu_shares: Option<i64>,
    #[arg(long, value_name = "string")]
    cpuset_cpus: Option<String>,
    #[arg(long, value_name = "string")]
    cpuset_mems: Option<String>,
    #[arg(long, default_value_t = true, action = clap::ArgAction::SetTrue)]
    disable_content_trust: bool,
    #[arg(long, short, value_name = "string")]
    file: Option<String>,
    #[arg(long)]
    force_rm: bool,
    #[arg(long, value_name = "string")]
    iidfile: Option<String>,
    #[arg(long, value_name = "string")]
    pub(crate) isolation: Option<String>,
    #[arg(long, value_name = "list")]
    label: Vec<String>,
    #[arg(long, short, value_name = "bytes", value_parser = value::bytes)]
    pub(crate) memory: Option<i64>,
    #[arg(long, value_name = "bytes", value_parser = value::bytes_or_unlimited)]
    pub(crate) memory_swap: Option<i64>,
    #[arg(long, value_name = "string", default_value = "default", alias = "net")]
    pub(crate) network: String,
    #[arg(long)]
    no_cache: bool,
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    #[arg(long)]
    pull: bool,
    #[arg(long, short)]
    quiet: bool,
    #[arg(long, default_value_t = true, action = clap::ArgAction::SetTrue)]
    rm: bool,
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) security_opt: Vec<String>,
    #[arg(long, value_name = "bytes", value_parser = value::bytes)]
    shm_size: Option<i64>,
    #[arg(long)]
    squash: bool,
    #[arg(long, short, value_name = "list")]
    pub(crate) tag: Vec<String>,
    #[arg(long, value_name = "string")]
    target: Option<String>,
    #[arg(long, value_name = "ulimit")]
    ulimit: Vec<String>,
    #[arg(value_name = "PATH | URL | -")]
    context: String,
}

/// `builder VERB`.
#[derive(Debug, Args)]
pub(crate) struct BuilderGroup {
    #[command(subcommand)]
    pub(crate) verb: BuilderVerb,
}

/// The verbs of `builder`.
#[derive(Debug, Subcommand)]
pub(crate) enum BuilderVerb {
    /// Build an image by the builder of the daemon
    Build(Box<BuildArgs>),
    /// Remove what builds left
    Prune(BuilderPruneArgs),
}

/// `builder prune`.
#[derive(Debug, Args)]
pub(crate) struct BuilderPruneArgs {
    #[arg(long, short)]
    all: bool,
    #[arg(long, value_name = "filter")]
    filter: Vec<String>,
    #[arg(long, short)]
    force: bool,
    #[arg(long, value_name = "bytes")]
    keep_storage: Option<String>,
}

/// `checkpoint VERB`.
#[derive(Debug, Args)]
pub(crate) struct CheckpointGroup {
    #[command(subcommand)]
    pub(crate) verb: CheckpointVerb,
}

/// The verbs of `checkpoint`.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointVerb {
    /// Keep the state of a container
    Create(CheckpointCreateArgs),
    /// List what is kept
    #[command(alias = "list")]
    Ls(CheckpointListArgs),
    /// Forget what is kept
    #[command(alias = "remove")]
    Rm(CheckpointRemoveArgs),
}

/// `checkpoint create`.
#[derive(Debug, Args)]
pub(crate) struct CheckpointCreateArgs {
    #[arg(long, value_name = "string")]
    checkpoint_dir: Option<String>,
    #[arg(long)]
    leave_running: bool,
    pub(crate) container: String,
    checkpoint: String,
}

/// `checkpoint ls`.
#[derive(Debug, Args)]
pub(crate) struct CheckpointListArgs {
    #[arg(long, value_name = "string")]
    checkpoint_dir: Option<String>,
    pub(crate) container: String,
}

/// `checkpoint rm`.
#[derive(Debug, Args)]
pub(crate) struct CheckpointRemoveArgs {
    #[arg(long, value_name = "string")]
    checkpoint_dir: Option<String>,
    pub(crate) container: String,
    pub(crate) checkpoint: String,
}

/// `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[arg(long, short, value_name = "string")]
    password: Option<String>,
    #[arg(long)]
    password_stdin: bool,
    #[arg(long, short, value_name = "string")]
    username: Option<String>,
    pub(crate) server: Option<String>,
}

/// `push`.
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    #[arg(long, short)]
    pub(crate) all_tags: bool,
    #[arg(long, default_value_t = true, action = clap::ArgAction::SetTrue)]
    disable_content_trust: bool,
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    #[arg(long, short)]
    quiet: bool,
    pub(crate) name: String,
}

/// `search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    #[arg(long, short, value_name = "filter")]
    filter: Vec<String>,
    #[arg(long, value_name = "string")]
    format: Option<String>,
    #[arg(long, value_name = "int", value_parser = value::integer)]
    limit: Option<i64>,
    #[arg(long)]
    no_trunc: bool,
    pub(crate) term: String,
}

/// `volume VERB`.
#[derive(Debug, Args)]
pub(crate) struct ClusterVolumeGroup {
    #[command(subcommand)]
    pub(crate) verb: ClusterVolumeVerb,
}

/// The verbs of `volume` that are about clusters.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterVolumeVerb {
    /// Change a volume of a cluster
    Update(VolumeUpdateArgs),
}

/// `volume update`.
#[derive(Debug, Args)]
pub(crate) struct VolumeUpdateArgs {
    #[arg(long, value_name = "string")]
    availability: Option<String>,
    pub(crate) volume: String,
}
