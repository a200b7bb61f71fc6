//! `cargo xtask fuzz`: one target or all of them, for as long as one likes.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use lockgate_fuzz::{TARGETS, run};

/// Feeds what reads strangers' bytes with changed ones.
#[derive(Parser)]
struct Args {
    /// One target; all of them by default
    target: Option<String>,
    /// How long each is fed: 30s, 10m, 2h
    #[arg(long = "for", default_value = "30s", value_parser = duration)]
    time: Duration,
    /// Where the row of inputs begins; a run with the same number tries the same ones
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|target| {
            args.target
                .as_deref()
                .is_none_or(|name| name == target.name)
        })
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        bail!("no such target; there are {}", names.join(", "));
    }
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    for target in chosen {
        println!(
            "{} for {:?}, seed {seed}: {}",
            target.name, args.time, target.what
        );
        let report = run(target, seed, args.time)?;
        println!(
            "  {} inputs, {} different answers",
            report.inputs, report.answers
        );
    }
    Ok(())
}

fn duration(text: &str) -> Result<Duration> {
    let (number, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let number: u64 = number
        .parse()
        .context("write a number and a unit: 30s, 10m, 2h")?;
    let unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => bail!("{unit:?} is no unit: write s, m or h"),
    };
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}
