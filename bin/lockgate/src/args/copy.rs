//! The command line of `cp`.

use clap::Args;

/// `cp`.
#[derive(Debug, Args)]
pub(crate) struct CpArgs {
    /// Give what is copied into a container to the container's user
    #[arg(long, short)]
    pub(crate) archive: bool,
    /// Follow a symbolic link at SRC_PATH
    #[arg(long, short = 'L')]
    pub(crate) follow_link: bool,
    /// Say nothing about success; implied where output is no terminal
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[arg(
        value_name = "CONTAINER:SRC_PATH | SRC_PATH | -",
        allow_hyphen_values = true
    )]
    pub(crate) source: String,
    #[arg(
        value_name = "DEST_PATH | - | CONTAINER:DEST_PATH",
        allow_hyphen_values = true
    )]
    pub(crate) destination: String,
}
