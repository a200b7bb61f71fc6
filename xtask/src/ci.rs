//! `cargo xtask ci`: the whole of CI, from a clean checkout to `N passed, N failed`.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::test::Tally;
use crate::{check, deb, quickstart, setup, test, vm};

pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    setup::run(&setup::Args { quickstart: false })?;
    let mut total = Tally::default();
    for (name, job) in check::jobs() {
        single(&mut total, name, job);
    }
    suite(&mut total, "unit and crate tests", || {
        test::unit(&test::Args::default())
    });
    suite(&mut total, "end-to-end tests", || {
        test::e2e(&test::Args::default())
    });
    single(&mut total, "quickstart", || {
        quickstart::run(&quickstart::Args {
            keep: false,
            dev: true,
        })
    });
    single(&mut total, "Debian package", || {
        deb::make(&deb::Args {
            dev: true,
            check: true,
        })
    });
    single(&mut total, "guest with cgroup v2", vm::smoke);
    // Once more where it is looked for: at the end.
    for line in &total.said {
        println!("| {line}");
    }
    println!("took {} minutes", started.elapsed().as_secs() / 60);
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed > 0 {
        bail!("CI failed");
    }
    Ok(())
}

/// A job that counts as one test.
fn single(total: &mut Tally, name: &str, job: impl FnOnce() -> Result<()>) {
    let started = Instant::now();
    println!("== {name}");
    match job() {
        Ok(()) => total.passed += 1,
        Err(error) => {
            total.fail(format!("FAILED {name}: {error:#}"));
        }
    }
    println!("== {name}: {} s", started.elapsed().as_secs());
}

/// A job that counts its own tests.
fn suite(total: &mut Tally, name: &str, job: impl FnOnce() -> Result<Tally>) {
    let started = Instant::now();
    println!("== {name}");
    match job() {
        Ok(tally) => {
            total.passed += tally.passed;
            total.failed += tally.failed;
            total.said.extend(tally.said);
        }
        Err(error) => {
            total.fail(format!("FAILED {name}: {error:#}"));
        }
    }
    println!("== {name}: {} s", started.elapsed().as_secs());
}
