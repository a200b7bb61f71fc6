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
//! start and closed off by a record that says so; the head file names all but one record; between
//! the renaming of a full file and the making of the next one, the head says where the chain goes on.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;

use lockgate_types::Timestamp;

use super::chain::seal;
use super::disk::OnDisk;
use super::doubt::{Doubt, Found};
use super::files::{archives, open};
use super::key::{AuditKey, Signed};
use super::signer::Signer;
use super::tail::Tail;
use super::{AuditConfig, AuditError, Hash, Record, complain_of_care};

/// How many records one signature in the chain stands for at most.
const CHECKPOINT_EVERY: u64 = 1000;
/// A number that no record of ours ever has.
const END: u64 = u64::MAX / 2;

/// A trail that is written to.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) config: AuditConfig,
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) on_disk: OnDisk,
    /// Another file is begun when this one is so long.
    pub(super) full_at: u64,
    pub(super) next: u64,
    previous: Hash,
    /// The end of the file has to be looked at before the next line.
    unsure: bool,
    /// The first line of this process is written.
    started: bool,
    unsigned: u64,
    /// Lines that nobody else has been told of yet.
    fresh: Vec<String>,
    /// The file that was put away last, until the one after it says so.
    pub(super) full: Option<String>,
    /// What the start found and nobody signed, until that is said.
    doubt: Option<Doubt>,
    pub(super) signer: Option<Signer>,
}

impl Trail {
    pub(super) fn open(config: AuditConfig) -> io::Result<Self> {
        let file = open(&config.path)?;
        let signer = file
            .metadata()?
            .is_file()
            .then(|| Signer::open(&config.path))
            .transpose()?;
        let (signer, found) = signer.unzip();
        let mut trail = Self {
            full_at: config.max_bytes,
            config,
            file,
            length: 0,
            on_disk: OnDisk::default(),
            next: 1,
            previous: Hash::NONE,
            unsure: signer.is_some(),
            started: false,
            unsigned: 0,
            fresh: Vec::new(),
            full: None,
            doubt: None,
            signer,
        };
        if let Some(found) = found {
            trail.find_end(&found)?;
        }
        Ok(trail)
    }

    pub(super) fn key(&self) -> Option<AuditKey> {
        Some(self.signer.as_ref()?.key().public())
    }

    /// Goes on in the file that has the name now. After a failure the old one stays in use.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let file = open(&self.config.path)?;
        if file.metadata()?.is_file() != self.signer.is_some() {
            return Err(io::Error::other(
                "a regular file, with its key beside it, and another kind of file cannot take each other's place",
            ));
        }
        if let Some(signer) = &self.signer {
            signer.stay_at(&self.config.path)?;
        }
        self.length = file.metadata()?.len();
        self.on_disk = OnDisk::default();
        self.file = file;
        self.unsure = self.signer.is_some();
        Ok(())
    }

    /// Where the chain goes on: after the last record of the file, or after the last one of all if
    /// that one is in another file.
    fn find_end(&mut self, found: &Found) -> io::Result<()> {
        let tail = Tail::read(&mut self.file)?;
        self.length = tail.length;
        let Some(signer) = &self.signer else {
            return Ok(());
        };
        let key = signer.key();
        let unchained = tail.unchained.map(|number| (number, Hash::NONE));
        let known = [unchained, tail.last, found.end(key)];
        // No trail gets as far as that, and the numbers after it would soon end.
        let known = known.into_iter().flatten().filter(|(n, _)| *n < END);
        let last = known.max_by_key(|(n, _)| *n);
        if let Some((sequence, hash)) = last {
            (self.next, self.previous) = (sequence + 1, hash);
        }
        let has_records = tail.last.is_some() || !archives(&self.config.path)?.is_empty();
        self.doubt = found.doubt(key, last.map_or(0, |(n, _)| n), has_records);
        Ok(())
    }

    /// Notices what others did to the file: one that was deleted keeps nothing, and after what others
    /// wrote or cut off the end has to be looked at.
    fn look(&mut self) -> io::Result<()> {
        if self.signer.is_none() {
            return Ok(());
        }
        let now = self.file.metadata()?;
        if now.nlink() == 0 {
            let path = self.config.path.display();
            tracing::error!(%path, "THE AUDIT LOG WAS DELETED; another is begun");
            return self.reopen();
        }
        self.unsure |= now.len() != self.length;
        Ok(())
    }

    /// Sees to it that a record begins on a line of its own, and that what stands before it is explained.
    fn close_off(&mut self) -> Result<(), AuditError> {
        if self.signer.is_none() {
            return self.file.write_all(b"\n").map_err(AuditError::Write);
        }
        let tail = Tail::read(&mut self.file).map_err(AuditError::Write)?;
        self.length = tail.length;
        if tail.open_line {
            self.file.write_all(b"\n").map_err(AuditError::Write)?;
            self.length += 1;
        }
        let Some((bytes, sha256)) = tail.debris else {
            return Ok(());
        };
        let reason = if tail.unchained.is_some() {
            "unchained"
        } else {
            "torn"
        };
        let record = Record::Recovered {
            bytes,
            sha256,
            reason,
        };
        self.put(&record, Timestamp::now())
    }

    /// Closes off what a killed process or a full disk left, and says that this process writes.
    pub(super) fn ready(&mut self) -> Result<(), AuditError> {
        self.look().map_err(AuditError::Write)?;
        if self.unsure {
            self.close_off()?;
            self.unsure = false;
        }
        self.is_on_disk()?;
        if let Some(doubt) = self.doubt {
            self.put(&doubt.record(), Timestamp::now())?;
            self.doubt = None;
        }
        if self.full.is_some() {
            self.say_rotated()?;
        }
        if !self.started {
            let key = self.key();
            let key = key.as_ref().map(AuditKey::id);
            let version = env!("CARGO_PKG_VERSION");
            self.put(&Record::Start { version, key }, Timestamp::now())?;
            self.started = true;
            self.settle().map_err(AuditError::Write)?;
        }
        Ok(())
    }

    /// The lines since this was asked last, those of the trail itself among them.
    pub(super) fn take_fresh(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fresh)
    }

    /// Writes one record. That the file cannot be signed or put away then does not unwrite it.
    pub(super) fn append(
        &mut self,
        record: &Record<'_>,
        time: Timestamp,
    ) -> Result<(), AuditError> {
        self.ready()?;
        self.put(record, time)?;
        let cared_for = if self.length >= self.full_at {
            self.rotate()
        } else if self.unsigned >= CHECKPOINT_EVERY {
            self.checkpoint()
        } else {
            Ok(())
        };
        if let Err(error) = cared_for {
            // Not again with every record.
            self.full_at = self.length + self.config.max_bytes / 8 + 1;
            self.unsigned = 0;
            complain_of_care(&error);
        }
        Ok(())
    }

    /// Signs everything so far, and sees it to the disk.
    pub(super) fn checkpoint(&mut self) -> Result<(), AuditError> {
        let Some(signer) = &self.signer else {
            return Ok(());
        };
        let beside = signer.stay_at(&self.config.path);
        let signature = signer
            .key()
            .sign(Signed::Checkpoint, self.next, self.previous);
        let key = signer.key().id().to_owned();
        let record = Record::Checkpoint {
            key: &key,
            signature: &signature,
        };
        self.put(&record, Timestamp::now())?;
        self.unsigned = 0;
        let settled = self.settle();
        let synced = self.sync();
        settled.and(synced).and(beside).map_err(AuditError::Write)
    }

    /// The head is signed as far as the trail goes.
    fn settle(&self) -> io::Result<()> {
        self.signer.as_ref().map_or(Ok(()), Signer::settle)
    }

    pub(super) fn put(&mut self, record: &Record<'_>, time: Timestamp) -> Result<(), AuditError> {
        let object = record
            .object(self.next, time, self.previous)
            .map_err(AuditError::Encode)?;
        let (mut line, hash) = seal(&object);
        line.push('\n');
        let sequence = self.next;
        // Until a doubt is said, what gives cause for it stays as it is: the next start would doubt as well.
        let is_vouched = self.doubt.is_none() || matches!(record, Record::Unproven { .. });
        let signer = self.signer.as_ref().filter(|_| is_vouched);
        let well = signer.map_or(Ok(()), Signer::is_well);
        let written = well.and_then(|()| self.file.write_all(line.as_bytes()));
        let vouched = written.and_then(|()| signer.map_or(Ok(()), |it| it.name(sequence, hash)));
        if let Err(error) = vouched {
            self.cut_back(line.len() as u64);
            return Err(AuditError::Write(error));
        }
        self.length += line.len() as u64;
        self.unsigned += 1;
        self.fresh.push(line);
        (self.next, self.previous) = (sequence + 1, hash);
        Ok(())
    }

    /// Cuts off what is there of a record that does not count; where that cannot be, it is closed off later.
    fn cut_back(&mut self, most: u64) {
        let is_ours = |length| (self.length..=self.length.saturating_add(most)).contains(&length);
        let is_cut = self.signer.is_some()
            && self.file.metadata().is_ok_and(|now| is_ours(now.len()))
            && self.file.set_len(self.length).is_ok();
        self.unsure |= !is_cut;
    }
}
