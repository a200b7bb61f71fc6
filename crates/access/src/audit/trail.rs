//! The open files of a trail, and the rules of appending to them.
//!
//! ```text
//! audit.log                        the file that is written to
//! audit.log.00000000000000000001   full ones, named by the number of their first record
//! audit.log.head                   number and hash of the last record, signed
//! audit.log.key, audit.log.pub     the key that signs; its public half
//! ```
//!
//! A process may die between any two lines here. A record that is cut short is found at the next
//! start and closed off by a record that says so; the head file lags by one record at most; between
//! the renaming of a full file and the making of the next one, the head says where the chain goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;

use super::chain::seal;
use super::head::{Head, HeadFile};
use super::key::{AuditKey, Signed, SigningKey};
use super::tail::Tail;
use super::{AuditConfig, AuditError, Hash, Record};

/// How many records one signature in the chain stands for at most.
const CHECKPOINT_EVERY: u64 = 1000;

/// A trail that is written to.
#[derive(Debug)]
pub(super) struct Trail {
    config: AuditConfig,
    file: File,
    length: u64,
    next: u64,
    previous: Hash,
    /// The end of the file has to be looked at before the next line.
    unsure: bool,
    /// The first line of this process is written.
    started: bool,
    unsigned: u64,
    /// Lines that nobody else has been told of yet.
    fresh: Vec<String>,
    signer: Option<Signer>,
}

#[derive(Debug)]
struct Signer {
    key: SigningKey,
    head: HeadFile,
}

/// A file beside the trail.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

impl Trail {
    pub(super) fn open(config: AuditConfig) -> io::Result<Self> {
        let file = open(&config.path)?;
        let signer = file
            .metadata()?
            .is_file()
            .then(|| Signer::open(&config.path))
            .transpose()?;
        let mut trail = Self {
            config,
            file,
            length: 0,
            next: 1,
            previous: Hash::NONE,
            unsure: signer.is_some(),
            started: false,
            unsigned: 0,
            fresh: Vec::new(),
            signer,
        };
        if trail.unsure {
            trail.find_end()?;
        }
        Ok(trail)
    }

    pub(super) fn key(&self) -> Option<AuditKey> {
        Some(self.signer.as_ref()?.key.public())
    }

    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.file = open(&self.config.path)?;
        self.unsure = self.signer.is_some();
        if self.unsure {
            self.find_end()?;
        }
        Ok(())
    }

    /// Where the chain goes on: after the last record of the file, or after the last one of all if
    /// that one is in another file.
    fn find_end(&mut self) -> io::Result<Tail> {
        let tail = Tail::read(&mut self.file)?;
        self.length = tail.length;
        let head = Head::read(&beside(&self.config.path, "head"));
        let head = head.map(|head| (head.sequence, head.hash));
        let unchained = tail.unchained.map(|number| (number, Hash::NONE));
        let known = [tail.last, head, unchained];
        if let Some((sequence, hash)) = known.into_iter().flatten().max_by_key(|(n, _)| *n)
            && sequence >= self.next
        {
            (self.next, self.previous) = (sequence + 1, hash);
        }
        Ok(tail)
    }

    /// Closes off what a killed process or a full disk left, and says that this process writes.
    pub(super) fn ready(&mut self) -> Result<(), AuditError> {
        if self.unsure {
            let tail = self.find_end().map_err(AuditError::Write)?;
            if tail.open_line {
                self.file.write_all(b"\n").map_err(AuditError::Write)?;
                self.length += 1;
            }
            self.unsure = false;
            if let Some((bytes, sha256)) = tail.debris {
                self.put(
                    &Record::Recovered {
                        bytes,
                        sha256,
                        reason: if tail.unchained.is_some() {
                            "unchained"
                        } else {
                            "torn"
                        },
                    },
                    Timestamp::now(),
                )?;
            }
        }
        if !self.started {
            let key = self.key();
            let key = key.as_ref().map(AuditKey::id);
            let version = env!("CARGO_PKG_VERSION");
            self.put(&Record::Start { version, key }, Timestamp::now())?;
            self.started = true;
        }
        Ok(())
    }

    /// The lines since this was asked last, those of the trail itself among them.
    pub(super) fn take_fresh(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fresh)
    }

    /// Writes one record.
    pub(super) fn append(
        &mut self,
        record: &Record<'_>,
        time: Timestamp,
    ) -> Result<(), AuditError> {
        self.ready()?;
        self.put(record, time)?;
        if self.length >= self.config.max_bytes {
            self.rotate()?;
        } else if self.unsigned >= CHECKPOINT_EVERY {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Signs everything so far, and sees it to the disk.
    pub(super) fn checkpoint(&mut self) -> Result<(), AuditError> {
        let Some(signer) = &self.signer else {
            return Ok(());
        };
        let signature = signer
            .key
            .sign(Signed::Checkpoint, self.next, self.previous);
        let key = signer.key.id().to_owned();
        let record = Record::Checkpoint {
            key: &key,
            signature: &signature,
        };
        self.put(&record, Timestamp::now())?;
        self.unsigned = 0;
        self.file.sync_data().map_err(AuditError::Write)
    }

    fn put(&mut self, record: &Record<'_>, time: Timestamp) -> Result<(), AuditError> {
        let object = record
            .object(self.next, time, self.previous)
            .map_err(AuditError::Encode)?;
        let (mut line, hash) = seal(&object);
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line is cut off again; where that cannot be, it is closed off later.
            self.unsure = self.signer.is_some() && self.file.set_len(self.length).is_err();
            return Err(AuditError::Write(error));
        }
        self.length += line.len() as u64;
        self.unsigned += 1;
        self.fresh.push(line);
        let sequence = self.next;
        (self.next, self.previous) = (sequence + 1, hash);
        if let Some(Signer { key, head }) = &self.signer {
            head.write(key, sequence, hash).map_err(AuditError::Write)?;
        }
        Ok(())
    }

    /// Signs and puts away the full file, begins another, and forgets the oldest.
    fn rotate(&mut self) -> Result<(), AuditError> {
        if self.signer.is_none() {
            return Ok(());
        }
        self.checkpoint()?;
        let full = self.put_away().map_err(AuditError::Write)?;
        self.file = open(&self.config.path).map_err(AuditError::Write)?;
        self.length = 0;
        let (surplus, removed_through) = self.surplus().map_err(AuditError::Write)?;
        let record = Record::Rotated {
            from: &full,
            removed_through,
        };
        self.put(&record, Timestamp::now())?;
        for path in surplus {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), error = %error, "cannot remove an old audit file");
            }
        }
        Ok(())
    }

    /// Renames the full file, unless that was done before and only the rest failed.
    fn put_away(&mut self) -> io::Result<String> {
        let first = first_number(&mut self.file)?;
        let archive = beside(&self.config.path, &format!("{first:020}"));
        let here = std::fs::metadata(&self.config.path).map(|found| found.ino());
        if here.is_ok_and(|inode| Some(inode) == self.file.metadata().ok().map(|own| own.ino())) {
            std::fs::rename(&self.config.path, &archive)?;
        }
        let name = archive.file_name().unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    /// The files beyond the number that is kept, and the last record in them.
    fn surplus(&self) -> io::Result<(Vec<PathBuf>, u64)> {
        let all = archives(&self.config.path)?;
        let (gone, kept) = all.split_at(all.len().saturating_sub(self.config.max_files));
        let through = match (gone, kept.first()) {
            ([], _) => 0,
            (_, Some((first, _))) => first.saturating_sub(1),
            (_, None) => self.next.saturating_sub(1),
        };
        Ok((gone.iter().map(|(_, path)| path.clone()).collect(), through))
    }
}

impl Signer {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            key: SigningKey::load_or_make(&beside(path, "key"), &beside(path, "pub"))?,
            head: HeadFile::open(&beside(path, "head"))?,
        })
    }
}

/// The full files of a trail, oldest first, with the number of their first record.
pub(super) fn archives(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let prefix = format!(
        "{}.",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name
            .strip_prefix(&prefix)
            .filter(|rest| rest.len() == 20)
            .and_then(|rest| rest.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort();
    Ok(found)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// The number of the first record of a file.
fn first_number(file: &mut File) -> io::Result<u64> {
    #[derive(serde::Deserialize)]
    struct First {
        sequence: u64,
    }
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.take(1024 * 1024).read_to_end(&mut start)?;
    let number = start.split(|byte| *byte == b'\n').find_map(|line| {
        let first: First = serde_json::from_slice(line).ok()?;
        Some(first.sequence)
    });
    Ok(number.unwrap_or(0))
}
