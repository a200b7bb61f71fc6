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
mod tls;
mod trail;

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
    /// Only what it costs to read an audit trail with so many records
    #[arg(long)]
    trail: Option<u64>,
    /// Only what the guard costs before the (first) dockerd
    #[arg(long)]
    guard: bool,
    /// What the client of the handshakes does: shakes hands at this port
    #[arg(long, hide = true, requires = "as")]
    shake: Option<u16>,
    /// What the client of the round trips over TLS does
    #[arg(long, hide = true, requires = "as")]
    ping: Option<u16>,
    /// A folder with the certificate that these show
    #[arg(long, hide = true)]
    r#as: Option<PathBuf>,
    /// Write the result as JSON into this file too
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let (Some(port), Some(client)) = (args.shake, &args.r#as) {
        println!("{}", handshake::shake(port, client)?);
        return Ok(());
    }
    if let (Some(port), Some(client)) = (args.ping, &args.r#as) {
        println!("{}", access::ping(port, client)?);
        return Ok(());
    }
    if let Some(records) = args.trail {
        return trail::print(records);
    }
    if args.guard {
        let dockerd = args
            .dockerd
            .first()
            .map_or_else(|| Path::new("dockerd"), PathBuf::as_path);
        return guard::run(dockerd, args.rounds);
    }
    let mut engines = vec![Engine::lockgated()?];
    if args.door {
        access::print()?;
        for engine in &engines {
            let [local, tls] = access::door(engine)?;
            println!(
                "| the same with {}: identity, policy, two audit records | {local:.1?} |\n\
                 | the same over mutual TLS on loopback | {tls:.1?} |",
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
