//! `cargo xtask bench`: builds in release mode and hands over to `lockgate-bench`.

use anyhow::Result;

use crate::build::{Profile, binaries};
use crate::shell::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What long revocation lists cost, and nothing else
    #[arg(long)]
    lists: bool,
    /// Arguments of the harness; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.lists {
        return lists();
    }
    let folder = binaries(Profile::Release)?;
    shell::run(
        cargo()
            .args([
                "run",
                "--release",
                "--quiet",
                "--package",
                "lockgate-bench",
                "--",
            ])
            .env("LOCKGATE_BIN_DIR", folder)
            .args(&args.rest),
    )
}

/// One test, because it measures what the tests of its file judge.
fn lists() -> Result<()> {
    let mut measure = cargo();
    measure.args(["test", "--release", "--quiet", "--package", "lockgate-pki"]);
    shell::run(measure.args([
        "--test",
        "it",
        "--",
        "--ignored",
        "--nocapture",
        "table_of_what",
    ]))
}
