//! What it costs to read a long audit trail, beside a hash of the same bytes and a parser of the same lines.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lockgate_access::{Access, AuditFiles, AuditLog, Policy, Principal, Refusal, SocketOwners};
use lockgate_testkit::{binary, program};

use crate::memory;

/// How often the memory of a program is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Prints one line for each reader of a trail with so many records.
pub(crate) fn print(records: u64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("audit.log");
    write(&log, records)?;
    let files = AuditFiles::find(&log)?;
    let mut bytes = 0;
    for path in files.paths() {
        bytes += std::fs::metadata(path)?.len();
    }
    println!(
        "{records} records, {} MiB in {} files\n",
        bytes >> 20,
        files.paths().len()
    );
    println!("| command | time | as a share of `sha256sum` | peak memory |\n|---|---|---|---|");
    let mut hash = Command::new("sha256sum");
    let (floor, memory) = measure(hash.args(files.paths()))?;
    row("sha256sum", floor, floor, memory);
    let mut parse = program("jq");
    match measure(parse.arg("-c").arg(".").args(files.paths())) {
        Ok((time, memory)) => row("jq -c .", time, floor, memory),
        Err(error) => eprintln!("left out: {error:#}"),
    }
    for words in [
        &["verify"][..],
        &["search", "--identity", "bob"],
        &["search", "--identity", "alice"],
        &["export", "--format", "csv"],
        &["tail", "-n", "10"],
    ] {
        let mut command = program(binary("lockgate"));
        command.arg("audit").args(words).arg("--log").arg(&log);
        let (time, memory) = measure(&mut command)?;
        row(
            &format!("lockgate audit {}", words.join(" ")),
            time,
            floor,
            memory,
        );
    }
    Ok(())
}

fn row(name: &str, time: Duration, floor: Duration, memory: u64) {
    let share = time.as_secs_f64() / floor.as_secs_f64();
    println!(
        "| `{name}` | {time:.2?} | {share:.1} | {} MiB |",
        memory >> 10
    );
}

/// As a daemon writes them, in files of the usual size.
fn write(log: &Path, records: u64) -> Result<()> {
    let audit = AuditLog::open(log)?;
    let access = Access::new(Policy::absent(), SocketOwners::default(), audit);
    let who = Principal::described("alice")?;
    for number in 0..records {
        access.refused(&Refusal {
            peer: "192.0.2.7:41022",
            identity: Some(&who),
            reason: "not_found",
            detail: &format!("there is no such path: /volumes/v{number}/nothing"),
        });
    }
    access.audit().close();
    Ok(())
}

/// How long a program runs, and the most memory it had, in KiB.
fn measure(command: &mut Command) -> Result<(Duration, u64)> {
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = memory::peak_kib(child.id()).unwrap_or(0).max(peak);
        std::thread::sleep(LOOK);
    };
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok((begun.elapsed(), peak))
}
