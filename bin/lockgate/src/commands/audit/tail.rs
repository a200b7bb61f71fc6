//! `lockgate audit tail`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use lockgate_access::AuditFiles;

use super::{shown, told};
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
        out.line(shown(&line))?;
    }
    if args.follow {
        out.flush()?;
        follow(log, seen, out)?;
    }
    Ok(0)
}

/// Prints what is newer than `seen`, also when other files take the place of this one.
fn follow(log: &Path, mut seen: u64, out: &mut Output) -> Outcome {
    loop {
        // Between two files there may be none.
        if let Ok(file) = File::open(log) {
            follow_one(log, file, &mut seen, out)?;
        }
        std::thread::sleep(EVERY);
        let Ok(files) = AuditFiles::find(log) else {
            continue;
        };
        let mut printed = Ok(());
        let read = files.each_after(seen, &mut |line| {
            if printed.is_ok() {
                printed = print(line, &mut seen, out);
            }
        });
        printed?;
        // What is removed in the middle of that was too old, or is found the next time.
        drop(read);
    }
}

/// Until another file has the name, or this one is cut off. What does not follow on `seen` is left to a look at
/// all the files: there may have been others in between.
fn follow_one(log: &Path, file: File, seen: &mut u64, out: &mut Output) -> std::io::Result<()> {
    let inode = file.metadata()?.ino();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        reader.read_until(b'\n', &mut line)?;
        if let Some(inner) = line.strip_suffix(b"\n") {
            if number(inner).is_some_and(|number| number > seen.saturating_add(1)) {
                return Ok(());
            }
            print(inner, seen, out)?;
            line.clear();
            continue;
        }
        let at = reader.stream_position()?;
        if !std::fs::metadata(log).is_ok_and(|now| now.ino() == inode && now.len() >= at) {
            return Ok(());
        }
        std::thread::sleep(EVERY);
    }
}

fn print(line: &[u8], seen: &mut u64, out: &mut Output) -> std::io::Result<()> {
    if let Some(number) = number(line).filter(|number| *number > *seen) {
        *seen = number;
        out.bytes_now(format!("{}\n", shown(line)).as_bytes())?;
    }
    Ok(())
}

fn number(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("sequence")?.as_u64()
}
