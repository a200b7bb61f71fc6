//! `cargo xtask fuzz`: hands over to `lockgate-fuzz`, with overflow and debug checks on.

use anyhow::Result;

use crate::shell::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A target, and for how long; `--help` after `--` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut fuzz = cargo();
    fuzz.args(["run", "--quiet", "--package", "lockgate-fuzz", "--"]);
    shell::run(fuzz.args(&args.rest))
}
