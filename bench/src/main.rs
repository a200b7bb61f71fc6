//! Measures lockgated against the engines found on this machine, through the raw API over the unix
//! socket, interleaved in one run: every round measures every row on every engine in turn, so that
//! what the machine does meanwhile hits all alike. Medians and ratios are what counts.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool"
)]

mod access;
mod cpu;
mod engine;
mod guard;
mod handshake;
mod http;
mod image;
mod memory;
mod report;
mod rows;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::engine::Engine;
use crate::report::Report;
use crate::rows::ROWS;

/// Rows of docs/benchmarks.md, measured here and now.
#[derive(Parser)]
struct Args {
    /// Rounds; each measures every row on every engine
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// dockerd binaries to compare with, their helpers beside them; the one on PATH by default
    #[arg(long)]
    dockerd: Vec<PathBuf>,
    /// Only rows whose name contains this
    #[arg(long, default_value = "")]
    row: String,
    /// Only lockgated, without peers
    #[arg(long)]
    alone: bool,
    /// Only what the door costs: decisions, audit records, round trips
    #[arg(long)]
    door: bool,
    /// Only what the guard costs before the (first) dockerd
    #[arg(long)]
    guard: bool,
    /// Write the result as JSON into this file too
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if args.guard {
        let dockerd = args
            .dockerd
            .first()
            .map_or_else(|| Path::new("dockerd"), PathBuf::as_path);
        return guard::run(dockerd, args.rounds);
    }
    let mut engines = vec![Engine::lockgated()?];
    if args.door {
        access::run()?;
        for engine in &engines {
            let each = access::door(&engine.socket())?;
            println!(
                "| the same through the door of {}: identity, policy, two audit records | {each:.1?} |",
                engine.name
            );
        }
        return Ok(());
    }
    if !args.alone {
        let found = if args.dockerd.is_empty() {
            vec![PathBuf::from("dockerd")]
        } else {
            args.dockerd
        };
        for dockerd in found {
            engines.extend(report_missing(Engine::dockerd(&dockerd)));
        }
        engines.extend(report_missing(Engine::podman()));
    }
    let mut report = Report::new(engines.iter().map(|engine| engine.name.clone()).collect());
    for engine in &engines {
        report.add(
            rows::IDLE,
            &engine.name,
            memory::pss_kib(&engine.processes()) / 1024.0,
        );
    }
    for engine in &engines {
        image::load_busybox(engine)?;
    }
    for round in 0..args.rounds {
        eprintln!("round {} of {}", round + 1, args.rounds);
        for row in ROWS.iter().filter(|row| row.name.contains(&args.row)) {
            for engine in &engines {
                let values =
                    (row.measure)(engine).with_context(|| format!("{}: {}", engine.name, row.name));
                for value in values? {
                    report.add(row.name, &engine.name, value);
                }
            }
        }
    }
    for engine in &engines {
        report.add(rows::PEAK, &engine.name, engine.peak_mib());
    }
    println!("{}", report.table());
    if let Some(path) = args.json {
        std::fs::write(path, report.json())?;
    }
    Ok(())
}

/// A peer that is not installed is said, not silently left out.
fn report_missing(engine: Result<Engine>) -> Option<Engine> {
    engine
        .inspect_err(|error| eprintln!("left out: {error:#}"))
        .ok()
}
