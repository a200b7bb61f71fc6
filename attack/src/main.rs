//! The attack suite: known ways past a container engine's door, on raw sockets.
//!
//! Each case sends what a hostile client would send and looks whether it came to anything. The
//! cases run against any endpoint of the Docker API over mutual TLS; `spawn` starts one in a
//! network namespace of its own, runs them inside, and puts it away.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool"
)]

mod authority;
mod case;
mod cases;
mod report;
mod runner;
mod target;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::case::Outcome;
use crate::target::{Endpoint, Spawn};

/// Attacks on an endpoint of the Docker API, each refused or not.
#[derive(Parser)]
#[command(name = "lockgate-attack")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Attack an endpoint that runs already
    Endpoint {
        /// ADDRESS:PORT where it serves mutual TLS
        address: SocketAddr,
        /// ca.pem, and {admin,operator,viewer,alice,bob,kept}/{cert,key}.pem; ca-key.pem to forge with
        #[arg(long)]
        certs: PathBuf,
        /// Its policy file, for the cases that change the policy while they run
        #[arg(long)]
        policy: Option<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// Start a target in a network namespace of its own, and attack it
    Spawn {
        /// What to start; several for one table
        #[arg(required = true)]
        targets: Vec<Spawn>,
        /// The dockerd to start
        #[arg(long, default_value = "dockerd")]
        dockerd: PathBuf,
        /// Write the table of all targets into this file
        #[arg(long)]
        docs: Option<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// Name the cases
    List,
}

/// Which cases, and what becomes of their outcomes.
#[derive(clap::Args)]
struct Which {
    /// Only cases whose id contains this
    #[arg(long, default_value = "")]
    case: String,
    /// Write the outcomes as JSON into this file
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every attack was refused.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::List => {
            for case in cases::all() {
                println!("{:<28} {}", case.id, case.title);
            }
            Ok(true)
        }
        Command::Endpoint {
            address,
            certs,
            policy,
            which,
        } => {
            let endpoint = Endpoint::open(address, &certs, policy)?;
            let outcomes = runner::run(&endpoint, &which.case)?;
            if let Some(path) = which.json {
                std::fs::write(path, serde_json::to_vec(&outcomes)?)?;
            }
            Ok(all_refused(&outcomes))
        }
        Command::Spawn {
            targets,
            dockerd,
            docs,
            which,
        } => {
            let mut scores = Vec::new();
            for spawn in targets {
                let running = spawn.start(&dockerd)?;
                let outcomes = running.attack(&which.case)?;
                scores.push((running.name.clone(), outcomes));
            }
            if let Some(path) = which.json {
                std::fs::write(path, serde_json::to_vec(&scores)?)?;
            }
            if let Some(path) = docs {
                std::fs::write(path, report::page(&scores))?;
            }
            println!("{}", report::totals(&scores));
            Ok(scores.iter().all(|(_, outcomes)| all_refused(outcomes)))
        }
    }
}

fn all_refused(outcomes: &[Outcome]) -> bool {
    outcomes
        .iter()
        .all(|outcome| outcome.verdict.is_acceptable())
}
