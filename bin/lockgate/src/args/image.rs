//! Commands about images.

use clap::{Args, Subcommand};

use super::{PruneArgs, value};

/// `image VERB`.
#[derive(Debug, Args)]
pub(crate) struct ImageGroup {
    #[command(subcommand)]
    pub(crate) verb: ImageVerb,
}

/// The verbs of `image`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageVerb {
    /// Show how an image came to be
    History(HistoryArgs),
    /// Make an image from the file system in a tar archive
    Import(ImportArgs),
    /// Show everything about images
    Inspect(ImageInspectArgs),
    /// Read images from a tar archive
    Load(LoadArgs),
    /// List images
    #[command(visible_alias = "list")]
    Ls(ImagesArgs),
    /// Remove unused images
    Prune(ImagePruneArgs),
    /// Fetch an image from a registry
    Pull(PullArgs),
    /// Remove images
    #[command(visible_alias = "remove")]
    Rm(RmiArgs),
    /// Write images to a tar archive
    Save(SaveArgs),
    /// Give an image another name
    Tag(TagArgs),
}

/// `history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Print sizes and dates for people
    #[arg(long, short = 'H', default_value_t = true, action = clap::ArgAction::SetTrue)]
    pub(crate) human: bool,
    /// Do not shorten output
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Show for a platform, "os[/arch[/variant]]"
    #[arg(long, value_name = "string")]
    pub(crate) platform: Option<String>,
    /// Show image IDs only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
}

/// `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Apply a Dockerfile instruction to the new image
    #[arg(long, short, value_name = "list")]
    pub(crate) change: Vec<String>,
    /// Commit message of the image
    #[arg(long, short, value_name = "string")]
    pub(crate) message: Option<String>,
    /// Platform of the image
    #[arg(long, value_name = "string", env = "DOCKER_DEFAULT_PLATFORM")]
    pub(crate) platform: Option<String>,
    #[arg(value_name = "file|URL|-")]
    pub(crate) source: String,
    #[arg(value_name = "[REPOSITORY[:TAG]]")]
    pub(crate) image: Option<String>,
}

/// `images`, `image ls`.
#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    /// Show all images (default hides intermediate images)
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Show digests
    #[arg(long)]
    pub(crate) digests: bool,
    /// Show only what meets the conditions
    #[arg(long, short, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Do not shorten output
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Show image IDs only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[arg(value_name = "[REPOSITORY[:TAG]]")]
    pub(crate) reference: Option<String>,
}

/// `image inspect`.
#[derive(Debug, Args)]
pub(crate) struct ImageInspectArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Inspect a platform, "os[/arch[/variant]]"
    #[arg(long, value_name = "string")]
    pub(crate) platform: Option<String>,
    #[arg(value_name = "IMAGE [IMAGE...]", required = true)]
    pub(crate) names: Vec<String>,
}

/// `load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Read from a tar archive instead of STDIN
    #[arg(long, short, value_name = "string")]
    pub(crate) input: Option<String>,
    /// Load only a platform, "os[/arch[/variant]]"
    #[arg(long, value_name = "string")]
    pub(crate) platform: Option<String>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `image prune`.
#[derive(Debug, Args)]
pub(crate) struct ImagePruneArgs {
    /// Remove all unused images, not just untagged ones
    #[arg(long, short)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) prune: PruneArgs,
}

/// `pull`.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Fetch all tags of the repository
    #[arg(long, short)]
    pub(crate) all_tags: bool,
    /// Do not verify the image's signature
    #[arg(long, hide = true, default_value_t = true, action = clap::ArgAction::SetTrue)]
    pub(crate) disable_content_trust: bool,
    /// Platform to fetch, "os[/arch[/variant]]"
    #[arg(long, value_name = "string", env = "DOCKER_DEFAULT_PLATFORM")]
    pub(crate) platform: Option<String>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[arg(value_name = "NAME[:TAG|@DIGEST]")]
    pub(crate) name: String,
}

/// `rmi`, `image rm`.
#[derive(Debug, Args)]
pub(crate) struct RmiArgs {
    /// Remove the image by force
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Do not delete untagged parents
    #[arg(long)]
    pub(crate) no_prune: bool,
    #[arg(value_name = "IMAGE [IMAGE...]", required = true)]
    pub(crate) images: Vec<String>,
}

/// `save`.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Write to a file instead of STDOUT
    #[arg(long, short, value_name = "string")]
    pub(crate) output: Option<String>,
    /// Save only a platform, "os[/arch[/variant]]"
    #[arg(long, value_name = "string")]
    pub(crate) platform: Option<String>,
    #[arg(value_name = "IMAGE [IMAGE...]", required = true)]
    pub(crate) images: Vec<String>,
}

/// `tag`.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    #[arg(value_name = "SOURCE_IMAGE[:TAG]")]
    pub(crate) source: String,
    #[arg(value_name = "TARGET_IMAGE[:TAG]")]
    pub(crate) target: String,
}
