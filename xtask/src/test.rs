//! `cargo xtask test` and `cargo xtask e2e`: the rings of tests, run by nextest.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build::{Profile, binaries};
use crate::shell::{cargo, describe};

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// A crate for `test`, a part of a test's name for `e2e`
    name: Option<String>,
}

/// How a run of tests ended.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// What the failed ones said, the beginning of it.
    pub(crate) said: Vec<String>,
}

impl Tally {
    /// One more that failed, and why.
    pub(crate) fn fail(&mut self, why: String) {
        println!("{why}");
        self.failed += 1;
        self.said.push(why);
    }
}

/// So many lines of what a failed test said: the message and the trace come first, then logs.
const SAID: usize = 60;

/// Unit and crate tests.
pub(crate) fn unit(args: &Args) -> Result<Tally> {
    // Crate tests of the engine and the runtime start the real shim.
    let bin_dir = binaries(Profile::Dev)?;
    let mut nextest = cargo();
    nextest
        .args(["nextest", "run", "--no-fail-fast"])
        .env("LOCKGATE_BIN_DIR", bin_dir);
    match &args.name {
        Some(name) => nextest.args(["--package", &package_name(name)]),
        None => nextest.args(["--workspace", "--exclude", "lockgate-e2e"]),
    };
    tally(&mut nextest)
}

/// End-to-end tests on the real binaries.
pub(crate) fn e2e(args: &Args) -> Result<Tally> {
    let bin_dir = binaries(Profile::Dev)?;
    let mut nextest = cargo();
    nextest
        .args([
            "nextest",
            "run",
            "--no-fail-fast",
            "--package",
            "lockgate-e2e",
        ])
        .env("LOCKGATE_BIN_DIR", bin_dir)
        .args(&args.name);
    tally(&mut nextest)
}

/// Where to find the dockerd whose answers Lockgate's are compared with.
#[derive(clap::Args)]
pub(crate) struct Differential {
    /// Record the answers of this dockerd (28.5.2) anew; it runs in a network namespace of its own
    #[arg(long, value_name = "PATH")]
    dockerd: Option<std::path::PathBuf>,
}

/// The programs of other people that the guard is tried with.
#[derive(clap::Args)]
pub(crate) struct Guarded {
    /// A dockerd 28.5.2; it runs in network namespaces of its own
    #[arg(long, value_name = "PATH")]
    dockerd: std::path::PathBuf,
    /// A `docker-buildx` 0.29.1
    #[arg(long, value_name = "PATH")]
    buildx: Option<std::path::PathBuf>,
}

/// Runs all that is said of unmodified clients through the guard before this dockerd, also what takes long.
pub(crate) fn guarded(args: &Guarded) -> Result<()> {
    let mut nextest = cargo();
    nextest
        .args(["nextest", "run", "--no-fail-fast", "--run-ignored", "all"])
        .args(["--package", "lockgate-e2e", "-E"])
        .env("PATH", path_beside(&args.dockerd)?)
        .env("LOCKGATE_BIN_DIR", binaries(Profile::Dev)?)
        .env("LOCKGATE_GUARD_DOCKERD", &args.dockerd);
    // What one run in CI takes of docker-py's tests is for Debian's dockerd.
    let mut wanted =
        "test(guarded::) + test(guard_restarts::) - test(docker_py::docker_py_s)".to_owned();
    match &args.buildx {
        Some(buildx) => drop(nextest.env("LOCKGATE_GUARD_BUILDX", buildx)),
        None => wanted.push_str(" - test(buildx)"),
    }
    nextest.arg(wanted);
    let Tally { failed, .. } = tally(&mut nextest)?;
    anyhow::ensure!(failed == 0, "{failed} failed");
    Ok(())
}

/// `PATH` with the programs that dockerd starts, which lie beside it.
fn path_beside(dockerd: &std::path::Path) -> Result<String> {
    let folder = dockerd.parent().context("a path to dockerd")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let beside = folder.with_file_name("bin");
    Ok(format!("{}:{}:{path}", folder.display(), beside.display()))
}

/// Compares Lockgate's answers with the recorded ones of dockerd, after recording them if asked.
pub(crate) fn differential(args: &Differential) -> Result<()> {
    if let Some(dockerd) = &args.dockerd {
        let mut nextest = cargo();
        nextest
            .args([
                "nextest",
                "run",
                "--package",
                "lockgate-e2e",
                "--run-ignored",
                "only",
            ])
            .arg("differential::records")
            .env("PATH", path_beside(dockerd)?)
            .env("LOCKGATE_BIN_DIR", binaries(Profile::Dev)?)
            .env("LOCKGATE_RECORD_DOCKERD", dockerd);
        tally(&mut nextest)?;
    }
    e2e(&Args {
        name: Some("differential::answers".to_owned()),
    })
    .map(drop)
}

/// `gate` and `lockgate-gate` mean the same crate.
fn package_name(name: &str) -> String {
    match name {
        "lockgate" | "lockgated" | "xtask" => name.to_owned(),
        _ if name.starts_with("lockgate-") => name.to_owned(),
        _ => format!("lockgate-{name}"),
    }
}

/// Runs nextest, shows what it says, and reads its summary.
fn tally(command: &mut Command) -> Result<Tally> {
    use std::io::{BufRead as _, BufReader};
    println!("$ {}", describe(command));
    let mut child = command.stderr(std::process::Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().context("nextest has no stderr")?;
    let mut summary: Option<Tally> = None;
    let (mut said, mut room) = (Vec::new(), 0);
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        eprintln!("{line}");
        match outcome(&line) {
            Some(outcome) if summary.is_none() && is_failure(outcome) => room = SAID,
            Some(_) => room = 0,
            None => {}
        }
        summary = parse_summary(&line).or(summary);
        if room > 0 {
            room -= 1;
            said.push(line);
        }
    }
    let status = child.wait()?;
    match summary {
        Some(tally) if status.success() == (tally.failed == 0) => Ok(Tally { said, ..tally }),
        _ => bail!(
            "`{}` ended with {status} and no usable summary",
            describe(command)
        ),
    }
}

/// `PASS` of `        PASS [   0.1s] (1/2) crate test`.
fn outcome(line: &str) -> Option<&str> {
    let (word, rest) = line.trim_start().split_once(" [")?;
    let is_word = word.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_word && rest.contains("s]") || word == "Summary").then_some(word)
}

fn is_failure(outcome: &str) -> bool {
    !matches!(outcome, "PASS" | "SLOW" | "LEAK" | "Summary")
}

/// `Summary [  1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 0 skipped`
fn parse_summary(line: &str) -> Option<Tally> {
    let (_, counts) = line
        .trim_start()
        .strip_prefix("Summary")?
        .split_once("run:")?;
    let count = |word: &str| {
        counts
            .split(',')
            .find(|part| part.contains(word))
            .and_then(|part| {
                part.split_whitespace()
                    .next()
                    .and_then(|number| number.parse::<u32>().ok())
            })
    };
    let failed = ["failed", "timed out", "exec failed"]
        .iter()
        .filter_map(|word| count(word))
        .sum();
    Some(Tally {
        passed: count("passed").unwrap_or(0),
        failed,
        said: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_nextest_summaries() {
        let line = "     Summary [   1.209s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped";
        let tally = parse_summary(line).unwrap();
        assert_eq!((tally.passed, tally.failed), (10, 2));
        assert!(parse_summary("        PASS [   0.1s] a b").is_none());
    }

    #[test]
    fn knows_what_failed() {
        let failed = |line| outcome(line).map(is_failure);
        assert_eq!(failed("        PASS [   0.1s] (1/2) a b"), Some(false));
        assert_eq!(failed("        SLOW [> 10.000s] (─) a b"), Some(false));
        assert_eq!(failed("     Summary [   1.2s] 1 tests run"), Some(false));
        assert_eq!(failed("        FAIL [   0.7s] (2/2) a b"), Some(true));
        assert_eq!(failed("     TIMEOUT [ 120.0s] (2/2) a b"), Some(true));
        assert_eq!(failed("     SIGABRT [ 120.0s] (2/2) a b"), Some(true));
        assert_eq!(failed("thread 'a' [1] panicked"), None);
    }
}
