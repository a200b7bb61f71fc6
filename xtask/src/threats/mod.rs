//! `cargo xtask threats`: which test proves that a known attack fails here.
//!
//! Tests name the attack in a comment: its public identifier anywhere, a word of our own after
//! `T:`. `docs/threats.md` is written from [`mod@rows`] and these comments; `cargo xtask check` refuses
//! an attack without a test, and a page that names a test which is no longer there.

mod rows;
mod scan;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::shell::root;
use rows::{PARTS, Row};

const PAGE: &str = "docs/threats.md";

/// An attack's identifier, and the tests that name it.
type Proofs = BTreeMap<String, Vec<String>>;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only judge the page that is there
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check {
        return check();
    }
    let proofs = proofs()?;
    fs::write(root().join(PAGE), page(&proofs)).with_context(|| format!("cannot write {PAGE}"))?;
    println!("{PAGE}: {} attacks", rows().count());
    check()
}

/// Every attack has a test, every test that the page names is there and names the attack.
pub(crate) fn check() -> Result<()> {
    let proofs = proofs()?;
    let page = fs::read_to_string(root().join(PAGE))
        .with_context(|| format!("cannot read {PAGE}; run `cargo xtask threats`"))?;
    let mut faults = Vec::new();
    for row in rows() {
        if tests(row, &proofs).is_empty() {
            faults.push(format!("{}: no test names it", row.ids[0]));
        }
        let start = format!("| {} |", ids(row));
        match page.lines().find(|line| line.starts_with(&start)) {
            None => faults.push(format!("{}: not on the page", row.ids[0])),
            Some(line) => faults.extend(gone(row, line, &proofs)),
        }
    }
    let known: Vec<&str> = rows().flat_map(|row| row.ids).copied().collect();
    let strange = proofs.keys().filter(|id| !known.contains(&id.as_str()));
    faults.extend(
        strange.map(|id| format!("{id}: a test names it, xtask/src/threats/rows.rs does not")),
    );
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{PAGE}: run `cargo xtask threats`\n{}", faults.join("\n"))
}

/// Tests on the page that are not in the tree, or prove something else.
fn gone(row: &Row, line: &str, proofs: &Proofs) -> Vec<String> {
    let there = tests(row, proofs);
    let last = line.trim_end_matches(" |").rsplit("| ").next();
    let named = last.unwrap_or_default().split("<br>");
    named
        .filter(|test| !there.contains(&test.trim_matches('`').to_owned()))
        .map(|test| format!("{}: {test} is not there or does not name it", row.ids[0]))
        .collect()
}

fn rows() -> impl Iterator<Item = &'static Row> {
    PARTS.iter().flat_map(|(_, rows)| rows.iter())
}

/// What the tests of the workspace say they prove.
fn proofs() -> Result<Proofs> {
    let words: Vec<&str> = rows().flat_map(|row| row.ids).copied().collect();
    scan::tree(&root(), &words)
}

fn tests(row: &Row, proofs: &Proofs) -> Vec<String> {
    let mut all: Vec<_> = row
        .ids
        .iter()
        .filter_map(|id| proofs.get(*id))
        .flatten()
        .cloned()
        .collect();
    all.sort();
    all.dedup();
    all
}

fn ids(row: &Row) -> String {
    row.ids.join(", ")
}

fn page(proofs: &Proofs) -> String {
    let mut text = String::from(
        "# Attacks and their tests\n\n\
         Attacks that were found in other engines, proxies and libraries, or that follow from what this program is, and the\n\
         tests that prove that they fail here. Identifiers are those of the public databases; a word without a number is ours.\n\
         `cargo xtask threats` writes this page from the comments above the tests; `cargo xtask check` refuses it when a test\n\
         that it names is gone, or when an attack has no test.\n",
    );
    for (part, rows) in PARTS {
        // Writing to a string does not fail.
        let _infallible = write!(
            text,
            "\n## {part}\n\n| attack | what must not happen | tests |\n|---|---|---|\n"
        );
        for row in *rows {
            let tests: Vec<_> = tests(row, proofs)
                .iter()
                .map(|test| format!("`{test}`"))
                .collect();
            let _infallible = writeln!(
                text,
                "| {} | {} | {} |",
                ids(row),
                row.what,
                tests.join("<br>")
            );
        }
    }
    text
}
