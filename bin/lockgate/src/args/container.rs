//! Commands about containers.

use clap::{Args, Subcommand};

use super::copy::CpArgs;
use super::{PsArgs, RunArgs, StatsArgs, UpdateArgs, value};

/// `container VERB`.
#[derive(Debug, Args)]
pub(crate) struct ContainerGroup {
    #[command(subcommand)]
    pub(crate) verb: ContainerVerb,
}

/// The verbs of `container`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContainerVerb {
    /// Attach the terminal to a running container
    Attach(AttachArgs),
    /// Create an image from the changes of a container
    Commit(CommitArgs),
    /// Copy files between a container and this machine
    Cp(CpArgs),
    /// Create a container without starting it
    Create(RunArgs),
    /// Show what a container changed in its file system
    Diff(DiffArgs),
    /// Run a command in a running container
    Exec(ExecArgs),
    /// Write the file system of a container as a tar archive
    Export(ExportArgs),
    /// Show everything about containers
    Inspect(InspectOneArgs),
    /// Kill running containers
    Kill(KillArgs),
    /// Show what a container wrote
    Logs(LogsArgs),
    /// List containers
    #[command(visible_aliases = ["list", "ps"])]
    Ls(PsArgs),
    /// Halt all processes of containers
    Pause(ContainersArgs),
    /// Show the published ports of a container
    Port(PortArgs),
    /// Remove all stopped containers
    Prune(PruneArgs),
    /// Give a container another name
    Rename(RenameArgs),
    /// Restart containers
    Restart(StopArgs),
    /// Remove containers
    #[command(visible_alias = "remove")]
    Rm(RmArgs),
    /// Create a container from an image and run it
    Run(RunArgs),
    /// Start stopped containers
    Start(StartArgs),
    /// Watch what containers use
    Stats(StatsArgs),
    /// Stop running containers
    Stop(StopArgs),
    /// Show the processes of a container
    Top(TopArgs),
    /// Let paused containers go on
    Unpause(ContainersArgs),
    /// Change the limits of containers
    Update(UpdateArgs),
    /// Wait until containers stop, and print their exit statuses
    Wait(ContainersArgs),
}

/// `attach`.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// Override the key sequence for detaching
    #[arg(long, value_name = "string")]
    pub(crate) detach_keys: Option<String>,
    /// Do not attach STDIN
    #[arg(long)]
    pub(crate) no_stdin: bool,
    /// Pass received signals on to the process
    #[arg(long, default_value_t = true, action = clap::ArgAction::SetTrue)]
    pub(crate) sig_proxy: bool,
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// `pause`, `unpause`, `wait`.
#[derive(Debug, Args)]
pub(crate) struct ContainersArgs {
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) containers: Vec<String>,
}

/// `commit`.
#[derive(Debug, Args)]
pub(crate) struct CommitArgs {
    /// Author, as in "Ann <ann@example.org>"
    #[arg(long, short, value_name = "string")]
    pub(crate) author: Option<String>,
    /// Apply a Dockerfile instruction to the new image
    #[arg(long, short, value_name = "list")]
    pub(crate) change: Vec<String>,
    /// Commit message
    #[arg(long, short, value_name = "string")]
    pub(crate) message: Option<String>,
    /// Pause the container meanwhile
    #[arg(long, short, default_value_t = true, action = clap::ArgAction::SetTrue)]
    pub(crate) pause: bool,
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    #[arg(value_name = "[REPOSITORY[:TAG]]")]
    pub(crate) image: Option<String>,
}

/// `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// `exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Run the command in the background
    #[arg(long, short)]
    pub(crate) detach: bool,
    /// Override the key sequence for detaching
    #[arg(long, value_name = "string")]
    pub(crate) detach_keys: Option<String>,
    /// Set environment variables
    #[arg(long, short, value_name = "list", value_parser = crate::spec::env::check)]
    pub(crate) env: Vec<String>,
    /// Read environment variables from a file
    #[arg(long, value_name = "list")]
    pub(crate) env_file: Vec<String>,
    /// Keep STDIN open even if not attached
    #[arg(long, short)]
    pub(crate) interactive: bool,
    /// Give the command all privileges
    #[arg(long)]
    pub(crate) privileged: bool,
    /// Give the command a terminal
    #[arg(long, short)]
    pub(crate) tty: bool,
    /// User or UID, "<name|uid>[:<group|gid>]"
    #[arg(long, short, value_name = "string")]
    pub(crate) user: Option<String>,
    /// Working directory inside the container
    #[arg(long, short, value_name = "string")]
    pub(crate) workdir: Option<String>,
    #[arg(value_name = "CONTAINER COMMAND [ARG...]", required = true, num_args = 2..,
          trailing_var_arg = true)]
    pub(crate) words: Vec<String>,
}

/// `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Write to a file instead of STDOUT
    #[arg(long, short, value_name = "string")]
    pub(crate) output: Option<String>,
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// `container inspect`, `image inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectOneArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show total file sizes
    #[arg(long, short)]
    pub(crate) size: bool,
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) names: Vec<String>,
}

/// `kill`.
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// Signal to send
    #[arg(long, short, value_name = "string")]
    pub(crate) signal: Option<String>,
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) containers: Vec<String>,
}

/// `logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Show extra details given to the log driver
    #[arg(long)]
    pub(crate) details: bool,
    /// Go on as new lines come
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Show lines since a time (2013-01-02T13:23:37Z) or an age (42m)
    #[arg(long, value_name = "string")]
    pub(crate) since: Option<String>,
    /// Number of lines to show from the end
    #[arg(long, short = 'n', value_name = "string", default_value = "all")]
    pub(crate) tail: String,
    /// Show timestamps
    #[arg(long, short)]
    pub(crate) timestamps: bool,
    /// Show lines before a time (2013-01-02T13:23:37Z) or an age (42m)
    #[arg(long, value_name = "string")]
    pub(crate) until: Option<String>,
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// `port`.
#[derive(Debug, Args)]
pub(crate) struct PortArgs {
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    #[arg(value_name = "[PRIVATE_PORT[/PROTO]]")]
    pub(crate) port: Option<String>,
}

/// `container prune`, `volume prune`, `network prune`, `image prune`.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Prune only what meets the conditions, such as "label=KEY=VALUE"
    #[arg(long, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Do not ask first
    #[arg(long, short)]
    pub(crate) force: bool,
}

/// `rename`.
#[derive(Debug, Args)]
pub(crate) struct RenameArgs {
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    #[arg(value_name = "NEW_NAME")]
    pub(crate) new_name: String,
}

/// `rm`.
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Remove a running container, too (with SIGKILL)
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Remove the link and not the container
    #[arg(long, short)]
    pub(crate) link: bool,
    /// Remove anonymous volumes of the container
    #[arg(long, short)]
    pub(crate) volumes: bool,
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) containers: Vec<String>,
}

/// `start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Attach STDOUT and STDERR and pass signals on
    #[arg(long, short)]
    pub(crate) attach: bool,
    /// Override the key sequence for detaching
    #[arg(long, value_name = "string")]
    pub(crate) detach_keys: Option<String>,
    /// Attach STDIN
    #[arg(long, short)]
    pub(crate) interactive: bool,
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) containers: Vec<String>,
}

/// `stop`, `restart`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Signal to send
    #[arg(long, short, value_name = "string")]
    pub(crate) signal: Option<String>,
    /// Seconds to wait before killing
    #[arg(long, short, alias = "time", value_name = "int", value_parser = value::integer)]
    pub(crate) timeout: Option<i64>,
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) containers: Vec<String>,
}

/// `top`.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[arg(value_name = "CONTAINER [ps OPTIONS]", required = true, num_args = 1..,
          trailing_var_arg = true)]
    pub(crate) words: Vec<String>,
}
