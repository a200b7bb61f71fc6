//! The end of a file that was written before: where the chain goes on, and what must be closed off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use aws_lc_rs::digest::{Context, SHA256};

use super::Hash;
use super::chain::Sealed;

/// How much of the end of a file is read to find its last record. A head has at most 64 KiB, which
/// escapes may make six times as long.
const WINDOW: u64 = 1024 * 1024;

/// What the end of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last whole record.
    pub(super) last: Option<(u64, Hash)>,
    /// Its length, all of it.
    pub(super) length: u64,
    /// Whether it ends inside a line.
    pub(super) open_line: bool,
    /// What stands behind the last record and is none: how many bytes, with the newline that
    /// closes them off, and their hash.
    pub(super) debris: Option<(u64, Hash)>,
    /// The last number of a trail that was not chained.
    pub(super) unchained: Option<u64>,
}

impl Tail {
    pub(super) fn read(file: &mut File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let start = length.saturating_sub(WINDOW);
        file.seek(SeekFrom::Start(start))?;
        let mut window = Vec::new();
        file.take(WINDOW).read_to_end(&mut window)?;
        let open_line = window.last().is_some_and(|byte| *byte != b'\n');
        let mut end = window.len();
        let mut found = None;
        let mut unchained = None;
        for line in window.rsplit(|byte| *byte == b'\n') {
            if let Some(sealed) = Sealed::read(line).filter(Sealed::is_whole) {
                found = Some(((sealed.sequence, sealed.hash), end));
                break;
            }
            unchained = unchained.or_else(|| number(line));
            end = end.saturating_sub(line.len() + 1);
        }
        // The newline of the last record belongs to it, also where it did not get as far.
        let record_end = found
            .map_or(0, |(_, end)| start + end as u64 + 1)
            .min(length);
        let debris = (record_end < length)
            .then(|| digest_from(file, record_end, open_line))
            .transpose()?;
        Ok(Self {
            last: found.map(|(last, _)| last),
            length,
            open_line,
            debris,
            unchained: unchained.filter(|_| found.is_none()),
        })
    }
}

fn number(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("sequence")?.as_u64()
}

/// Length and hash of what stands from `start` on, with the newline that is going to end it.
fn digest_from(file: &mut File, start: u64, open_line: bool) -> io::Result<(u64, Hash)> {
    file.seek(SeekFrom::Start(start))?;
    let mut context = Context::new(&SHA256);
    let mut length = 0;
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes @ [_, ..]) = buffer.get(..count) else {
            break;
        };
        context.update(bytes);
        length += count as u64;
    }
    if open_line {
        context.update(b"\n");
        length += 1;
    }
    Ok((length, Hash::from(context.finish())))
}
