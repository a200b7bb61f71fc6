//! Reading a log's files from the oldest wanted line on. Everything here blocks.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::format::{Formatter, Verdict};

/// How much is read at once.
const BLOCK: usize = 256 << 10;
/// A line longer than this is not from us: messages are split at 16 KiB.
const LONGEST: usize = 4 << 20;
/// What is read of one compressed file at most.
const LARGEST: u64 = 4 << 30;

/// A position in a log: the file being read, those after it, and an unfinished line.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    /// Oldest first; the last one is being written.
    files: std::collections::VecDeque<File>,
    partial: Vec<u8>,
    block: Vec<u8>,
    past: bool,
}

/// Where the reader is after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more at once.
    More,
    /// Everything written so far has been read.
    CaughtUp,
    /// Nothing that follows is wanted.
    Past,
}

impl Reader {
    /// Opens the log at its first line, or so that `tail` lines are left.
    pub(super) fn open(path: &Path, tail: Option<u64>) -> io::Result<Self> {
        let mut files = open_files(path)?;
        if let Some(tail) = tail {
            seek_tail(&mut files, tail)?;
        }
        Ok(Self {
            path: path.to_owned(),
            files: files.into(),
            partial: Vec::new(),
            block: vec![0; BLOCK],
            past: false,
        })
    }

    /// Reads a block and appends its lines.
    pub(super) fn step(&mut self, formatter: &Formatter, out: &mut Vec<u8>) -> io::Result<Step> {
        if self.past {
            return Ok(Step::Past);
        }
        let Some(file) = self.files.front_mut() else {
            return self.reopen();
        };
        let length = file.read(&mut self.block)?;
        if length == 0 {
            return self.next_file();
        }
        let block = std::mem::take(&mut self.block);
        let verdict = self.lines(block.get(..length).unwrap_or_default(), formatter, out);
        self.block = block;
        if verdict == Verdict::Past {
            self.past = true;
            return Ok(Step::Past);
        }
        Ok(Step::More)
    }

    fn lines(&mut self, mut bytes: &[u8], formatter: &Formatter, out: &mut Vec<u8>) -> Verdict {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            let verdict = if self.partial.is_empty() {
                formatter.append(line, out)
            } else {
                self.partial.extend_from_slice(line);
                let verdict = formatter.append(&self.partial, out);
                self.partial.clear();
                verdict
            };
            if verdict == Verdict::Past {
                return verdict;
            }
        }
        if self.partial.len() + bytes.len() > LONGEST {
            self.partial.clear();
        }
        self.partial.extend_from_slice(bytes);
        Verdict::GoOn
    }

    /// At the end of a file: to the next one, or to the one that took its name by rotation.
    fn next_file(&mut self) -> io::Result<Step> {
        if self.files.len() > 1 {
            self.files.pop_front();
            self.partial.clear();
            return Ok(Step::More);
        }
        let Some(current) = self.files.front() else {
            return self.reopen();
        };
        let current = current.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(named) if named.ino() == current.ino() && named.dev() == current.dev() => {
                Ok(Step::CaughtUp)
            }
            Ok(_) => {
                // What was written between the last read and the rotation is still to come.
                let newest = File::open(&self.path)?;
                self.files.push_back(newest);
                Ok(Step::More)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Step::CaughtUp),
            Err(error) => Err(error),
        }
    }

    /// There was no file yet.
    fn reopen(&mut self) -> io::Result<Step> {
        match File::open(&self.path) {
            Ok(file) => {
                self.files.push_back(file);
                Ok(Step::More)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Step::CaughtUp),
            Err(error) => Err(error),
        }
    }
}

/// All files of a log, oldest first. Opened from the newest on, so that a rotation meanwhile can
/// show a file twice but cannot hide one; what was opened twice is left out.
fn open_files(path: &Path) -> io::Result<Vec<File>> {
    let mut files: Vec<File> = Vec::new();
    let mut seen: Vec<u64> = Vec::new();
    for number in 0_u32.. {
        let name = match number {
            0 => path.to_owned(),
            number => {
                let mut name = path.as_os_str().to_owned();
                name.push(format!(".{number}"));
                PathBuf::from(name)
            }
        };
        let file = match File::open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && number == 0 => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => match unpack(&name)? {
                Some(file) => file,
                None => break,
            },
            Err(error) => return Err(error),
        };
        let inode = file.metadata()?.ino();
        if !seen.contains(&inode) {
            seen.push(inode);
            files.push(file);
        }
    }
    files.reverse();
    Ok(files)
}

/// A rotated file that has been compressed, as a file without a name; `None` if there is none.
fn unpack(name: &Path) -> io::Result<Option<File>> {
    let mut packed = name.as_os_str().to_owned();
    packed.push(".gz");
    let packed = match File::open(&packed) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let directory = name.parent().unwrap_or_else(|| Path::new("."));
    let flags =
        rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    let mut plain = File::from(rustix::fs::open(directory, flags, rustix::fs::Mode::RUSR)?);
    let mut text = flate2::read::MultiGzDecoder::new(packed).take(LARGEST);
    io::copy(&mut text, &mut plain)?;
    plain.seek(SeekFrom::Start(0))?;
    Ok(Some(plain))
}

/// Leaves only the last `tail` lines before the readers.
fn seek_tail(files: &mut Vec<File>, tail: u64) -> io::Result<()> {
    let mut left = tail;
    for index in (0..files.len()).rev() {
        let Some(file) = files.get_mut(index) else {
            continue;
        };
        match tail_offset(file, left)? {
            Tail::At(offset) => {
                file.seek(SeekFrom::Start(offset))?;
                files.drain(..index);
                return Ok(());
            }
            Tail::Before(lines) => left -= lines,
        }
    }
    Ok(())
}

enum Tail {
    /// The wanted lines begin there.
    At(u64),
    /// The file has only that many.
    Before(u64),
}

/// Looks from the end of a file for the beginning of its last `lines` lines.
fn tail_offset(file: &File, lines: u64) -> io::Result<Tail> {
    let length = file.metadata()?.len();
    if lines == 0 {
        return Ok(Tail::At(length));
    }
    let mut block = vec![0; 64 << 10];
    let mut end = length;
    let mut found = 0;
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let size = usize::try_from(end - start).unwrap_or(block.len());
        let Some(part) = block.get_mut(..size) else {
            break;
        };
        file.read_exact_at(part, start)?;
        for index in memchr::memrchr_iter(b'\n', part) {
            let after = start + index as u64 + 1;
            // The newline that ends the last line begins none.
            if after < length {
                found += 1;
                if found == lines {
                    return Ok(Tail::At(after));
                }
            }
        }
        end = start;
    }
    let total = if length == 0 { 0 } else { found + 1 };
    Ok(if total == lines {
        Tail::At(0)
    } else {
        Tail::Before(total)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;

    use super::super::LogQuery;
    use super::*;

    fn write(path: &Path, numbers: std::ops::Range<u32>) {
        let mut text = String::new();
        for number in numbers {
            writeln!(text, "{{\"log\":\"{number}\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:00Z\"}}").unwrap();
        }
        fs::write(path, text).unwrap();
    }

    fn read(path: &Path, tail: Option<u64>) -> Vec<String> {
        let query = LogQuery {
            stdout: true,
            ..LogQuery::default()
        };
        let formatter = Formatter::new(&query, true);
        let mut reader = Reader::open(path, tail).unwrap();
        let mut out = Vec::new();
        while reader.step(&formatter, &mut out).unwrap() == Step::More {}
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn reads_rotated_files_oldest_first() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x-json.log");
        write(&path, 20..30);
        write(&root.path().join("x-json.log.1"), 10..20);
        write(&root.path().join("x-json.log.2"), 0..10);
        let expected: Vec<String> = (0..30).map(|n: u32| n.to_string()).collect();
        assert_eq!(read(&path, None), expected);
        for tail in [0, 1, 9, 10, 11, 25, 30, 100] {
            let from = 30_usize.saturating_sub(tail);
            assert_eq!(read(&path, Some(tail as u64)), expected[from..], "{tail}");
        }
    }

    #[test]
    fn a_tail_of_a_large_file_is_found_from_its_end() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x-json.log");
        write(&path, 0..5000);
        assert_eq!(read(&path, Some(3)), ["4997", "4998", "4999"]);
        assert_eq!(read(&path, Some(4999)).len(), 4999);
        assert_eq!(read(&path, Some(5000)).len(), 5000);
    }

    #[test]
    fn a_rotation_while_reading_loses_nothing() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x-json.log");
        write(&path, 0..3);
        let query = LogQuery {
            stdout: true,
            ..LogQuery::default()
        };
        let formatter = Formatter::new(&query, true);
        let mut reader = Reader::open(&path, None).unwrap();
        let mut out = Vec::new();
        while reader.step(&formatter, &mut out).unwrap() == Step::More {}
        fs::rename(&path, root.path().join("x-json.log.1")).unwrap();
        write(&path, 3..6);
        while reader.step(&formatter, &mut out).unwrap() == Step::More {}
        assert_eq!(String::from_utf8(out).unwrap(), "0\n1\n2\n3\n4\n5\n");
    }

    #[test]
    fn a_log_that_is_not_there_yet_is_empty() {
        let root = tempfile::tempdir().unwrap();
        assert!(read(&root.path().join("none"), Some(5)).is_empty());
    }
}
