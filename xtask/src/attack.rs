//! `cargo xtask attack`: the attack suite against targets that it starts.

use anyhow::Result;

use crate::build::{Profile, binaries};
use crate::shell::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// lockgate, guard-dockerd, guard-podman, dockerd; several for one table
    #[arg(required = true)]
    targets: Vec<String>,
    /// Write docs/attacks.md
    #[arg(long)]
    docs: bool,
    /// Arguments of the suite, such as --dockerd PATH or --case ID
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = binaries(Profile::Dev)?;
    let mut suite = cargo();
    suite
        .args(["run", "--quiet", "--package", "lockgate-attack", "--"])
        .arg("spawn")
        .args(&args.targets)
        .env("LOCKGATE_BIN_DIR", folder);
    if args.docs {
        suite.args(["--docs", "docs/attacks.md"]);
    }
    shell::run(suite.args(&args.rest))
}
