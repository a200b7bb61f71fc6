//! `lockgate audit tail`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use lockgate_access::AuditFiles;

use super::told;
use crate::args::TailArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// How often the file is looked at; people read it.
const EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(files: &AuditFiles, log: &Path, args: &TailArgs, out: &mut Output) -> Outcome {
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    let mut seen = 0;
    files
        .each(&mut |line| {
            seen = number(line).unwrap_or(seen);
            last.push_back(line.to_vec());
            if last.len() > args.lines {
                last.pop_front();
            }
        })
        .map_err(told)?;
    for line in last {
        out.line(String::from_utf8_lossy(&line))?;
    }
    if args.follow {
        out.flush()?;
        follow(log, seen, out)?;
    }
    Ok(0)
}

/// Prints what is newer than `seen`, also when another file takes the place of this one.
fn follow(log: &Path, mut seen: u64, out: &mut Output) -> std::io::Result<()> {
    loop {
        let file = File::open(log)?;
        let inode = file.metadata()?.ino();
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            reader.read_until(b'\n', &mut line)?;
            if line.ends_with(b"\n") {
                if let Some(number) = number(&line).filter(|number| *number > seen) {
                    seen = number;
                    out.bytes_now(&line)?;
                }
                line.clear();
                continue;
            }
            if std::fs::metadata(log).is_ok_and(|now| now.ino() != inode) {
                break;
            }
            std::thread::sleep(EVERY);
        }
    }
}

fn number(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("sequence")?.as_u64()
}
