//! What was typed: one file per command family, clap structs only.
//!
//! clap reads the words; [`dialect`] makes it accept and refuse what docker's own parser does,
//! and [`help`] prints pages in the form that docker users know.

mod audit;
mod ca;
mod cert;
mod container;
mod context;
mod copy;
mod dialect;
mod docker;
mod dockerd;
mod doctor;
mod enroll;
mod help;
mod image;
mod keep;
mod network;
mod policy;
mod run;
mod system;
mod update;
mod value;
mod volume;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use audit::*;
pub(crate) use ca::*;
pub(crate) use cert::*;
pub(crate) use container::*;
pub(crate) use context::*;
pub(crate) use copy::CpArgs;
pub(crate) use dialect::{command, parse, parse_foreign};
pub(crate) use docker::*;
pub(crate) use dockerd::*;
pub(crate) use doctor::DoctorArgs;
pub(crate) use enroll::*;
pub(crate) use image::*;
pub(crate) use keep::*;
pub(crate) use network::*;
pub(crate) use policy::*;
pub(crate) use run::RunArgs;
pub(crate) use system::*;
pub(crate) use update::UpdateArgs;
pub(crate) use value::{Filters, boolean, gather};
pub(crate) use volume::*;
pub(crate) use watch::{PsArgs, StatsArgs};

/// Everything on the command line.
#[derive(Debug, Parser)]
#[command(name = "lockgate", about = "A container engine that you can expose")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What comes before the command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Globals {
    /// Location of client config files (default: ~/.docker)
    #[arg(long, value_name = "string")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the context to connect with (overrides DOCKER_HOST and the current context)
    #[arg(long, short, value_name = "string")]
    pub(crate) context: Option<String>,
    /// Print debug messages
    #[arg(long, short = 'D')]
    pub(crate) debug: bool,
    /// Daemon socket to connect to
    #[arg(long, short = 'H', value_name = "list")]
    pub(crate) host: Vec<String>,
    /// Least severe message to print (debug, info, warn, error, fatal)
    #[arg(long, short, value_name = "string", default_value = "info")]
    pub(crate) log_level: String,
    /// Use TLS; implied by --tlsverify
    #[arg(long)]
    pub(crate) tls: bool,
    /// Trust servers signed by this CA only (default: ca.pem in the certificate folder)
    #[arg(long, value_name = "string")]
    pub(crate) tlscacert: Option<PathBuf>,
    /// Our certificate (default: cert.pem in the certificate folder)
    #[arg(long, value_name = "string")]
    pub(crate) tlscert: Option<PathBuf>,
    /// Its private key (default: key.pem in the certificate folder)
    #[arg(long, value_name = "string")]
    pub(crate) tlskey: Option<PathBuf>,
    /// Use TLS and verify the server
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = value::boolean)]
    pub(crate) tlsverify: Option<bool>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Attach the terminal to a running container
    Attach(AttachArgs),
    /// Check and read the audit log
    Audit(AuditArgs),
    /// Manage the certificate authority
    Ca(CaArgs),
    /// Issue and manage certificates
    Cert(CertArgs),
    /// Create an image from the changes of a container
    Commit(CommitArgs),
    /// Print a completion script for a shell
    Completion(CompletionArgs),
    /// Manage containers
    Container(ContainerGroup),
    /// Manage contexts
    Context(ContextGroup),
    /// Say which operations of the API this build knows
    Coverage,
    /// Copy files between a container and this machine
    Cp(CpArgs),
    /// Create a container without starting it
    Create(RunArgs),
    /// Show what a container changed in its file system
    Diff(DiffArgs),
    /// Care for a stock dockerd
    Dockerd(DockerdGroup),
    /// Find what is wrong between a client and a daemon, and how to mend it
    Doctor(DoctorArgs),
    /// Lend an identity a role for a time
    Elevate(ElevateArgs),
    /// Follow what happens in the daemon
    Events(EventsArgs),
    /// Run a command in a running container
    Exec(ExecArgs),
    /// Write the file system of a container as a tar archive
    Export(ExportArgs),
    /// Show how an image came to be
    History(HistoryArgs),
    /// Manage images
    Image(ImageGroup),
    /// List images
    Images(ImagesArgs),
    /// Make an image from the file system in a tar archive
    Import(ImportArgs),
    /// Show what the daemon says about itself
    Info(InfoArgs),
    /// Show everything about objects
    Inspect(InspectArgs),
    /// Invite a client or a server: prints a token that is good once, for a short time
    Invite(InviteArgs),
    /// Take an invitation: make a key here, and get a certificate for it
    Join(JoinArgs),
    /// Kill running containers
    Kill(KillArgs),
    /// Read images from a tar archive
    Load(LoadArgs),
    /// Show what a container wrote
    Logs(LogsArgs),
    /// Write the manual pages of all commands into a folder
    #[command(hide = true)]
    Manual(ManualArgs),
    /// Manage networks
    Network(NetworkGroup),
    /// Halt all processes of containers
    Pause(ContainersArgs),
    /// Check, test and explain the policy file
    Policy(PolicyArgs),
    /// Show the published ports of a container
    Port(PortArgs),
    /// List containers
    Ps(PsArgs),
    /// Fetch an image from a registry
    Pull(PullArgs),
    /// Let the daemon on this host read certificates, revocations and policy again
    Reload(ReloadArgs),
    /// Give a container another name
    Rename(RenameArgs),
    /// Renew certificates over the connection that they secure
    Renew(RenewArgs),
    /// Restart containers
    Restart(StopArgs),
    /// Remove containers
    Rm(RmArgs),
    /// Remove images
    Rmi(RmiArgs),
    /// Create a container from an image and run it
    Run(RunArgs),
    /// Write images to a tar archive
    Save(SaveArgs),
    /// Start stopped containers
    Start(StartArgs),
    /// Watch what containers use
    Stats(StatsArgs),
    /// Stop running containers
    Stop(StopArgs),
    /// Manage the daemon
    System(SystemGroup),
    /// Give an image another name
    Tag(TagArgs),
    /// Show the processes of a container
    Top(TopArgs),
    /// Let paused containers go on
    Unpause(ContainersArgs),
    /// Change the limits of containers
    Update(UpdateArgs),
    /// Show the versions of client and server
    Version(VersionArgs),
    /// Manage volumes
    Volume(VolumeGroup),
    /// Wait until containers stop, and print their exit statuses
    Wait(ContainersArgs),
}
