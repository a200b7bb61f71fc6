//! Developer commands: `cargo xtask <command>`. CI runs `cargo xtask ci`; every job can be run alone.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool"
)]

mod attack;
mod bench;
mod build;
mod check;
mod ci;
mod deb;
mod deps;
mod fuzz;
mod quickstart;
mod setup;
mod shell;
mod size;
mod test;
mod threats;
mod vm;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Lockgate")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install the Debian packages and cargo tools that a command needs
    Setup(setup::Args),
    /// Formatting, clippy, rustdoc, dependency rules, file sizes, licences
    Check,
    /// Dependency rules alone: forbidden edges between crates, duplicate versions
    Deps,
    /// File sizes alone
    Size,
    /// docs/threats.md: known attacks, and the tests that prove that they fail
    Threats(threats::Args),
    /// Unit and crate tests, of one crate or of all
    Test(test::Args),
    /// End-to-end tests with real binaries, all or those whose name contains NAME
    E2e(test::Args),
    /// Lockgate's answers beside dockerd's, field by field
    Differential(test::Differential),
    /// Unmodified clients through the guard before a dockerd of your own
    Guarded(test::Guarded),
    /// Known attacks on sockets, against targets started for it
    Attack(attack::Args),
    /// Measure lockgated against the engines found on this machine
    Bench(bench::Args),
    /// Feed what reads strangers' bytes: `cargo xtask fuzz TARGET --for 10m`
    Fuzz(fuzz::Args),
    /// From a clone to a container that a remote client ran over mutual TLS
    Quickstart(quickstart::Args),
    /// The OCI conformance suite and a daemon in a QEMU guest with cgroup v2 alone
    Vm(vm::Args),
    /// The Debian package, and whether it installs
    Deb(deb::Args),
    /// Everything that CI runs; the last line is `N passed, N failed`
    Ci,
}

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Setup(args) => setup::run(&args),
        Command::Check => check::run(),
        Command::Deps => deps::run(),
        Command::Size => size::run(),
        Command::Threats(args) => threats::run(&args),
        Command::Test(args) => test::unit(&args).map(drop),
        Command::E2e(args) => test::e2e(&args).map(drop),
        Command::Differential(args) => test::differential(&args),
        Command::Guarded(args) => test::guarded(&args),
        Command::Attack(args) => attack::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Quickstart(args) => quickstart::run(&args),
        Command::Vm(args) => vm::run(&args).map(drop),
        Command::Deb(args) => deb::make(&args),
        Command::Ci => ci::run(),
    }
}
