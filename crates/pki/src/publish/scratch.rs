//! A place for files that are not visible yet, and what becomes of one that a crash left behind.
//!
//! A scratch is locked while its process lives. Before its files are moved it says which they are (`.set`): from
//! then on the set is decided. Whoever comes next completes a set that was decided, and removes one that was not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::hash::sha256;

/// A directory of its own, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes one in `parent`, on the way to become `name` there; or for files of `parent` itself.
    pub(crate) fn make(parent: &Path, name: &str) -> io::Result<Self> {
        settle(parent, name)?;
        for _ in 0..TRIES {
            let mut random = [0; 4];
            getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
            let random = u32::from_le_bytes(random);
            let path = parent.join(format!(".{name}.{random:08x}{NEW}"));
            DirBuilder::new().mode(0o700).create(&path)?;
            // Whoever swept it away in this moment took it for one of a crash.
            if let Some(lock) = lock(&path)? {
                return Ok(Self { path, _lock: lock });
            }
        }
        Err(ErrorKind::ResourceBusy.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Decides: from now on all of these files appear, whatever happens.
    pub(super) fn decide(&self, files: &[(String, String)]) -> io::Result<()> {
        let (draft, set) = (self.path.join(DRAFT), self.path.join(SET));
        let lines = files.iter().map(|(name, hash)| format!("{hash} {name}\n"));
        let mut open = OpenOptions::new();
        let mut open = open.write(true).create_new(true).mode(0o600).open(&draft)?;
        open.write_all(lines.collect::<String>().as_bytes())?;
        open.sync_all()?;
        fs::rename(draft, set)?;
        File::open(&self.path)?.sync_all()
    }

    /// Nothing is decided any more.
    pub(super) fn withdraw(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join(SET)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => File::open(&self.path)?.sync_all(),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Gone already if it was moved into place as a whole.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// Removes a directory: it is gone at once, and what is in it before anybody looks again.
pub(crate) fn discard(directory: &Path) -> io::Result<()> {
    let parent = directory.parent().unwrap_or_else(|| Path::new("."));
    let scratch = Scratch::make(parent, "")?;
    fs::rename(directory, scratch.path())?;
    File::open(parent)?.sync_all()?;
    fs::remove_dir_all(scratch.path())
}

/// Completes or removes what crashed processes left in `parent`; says how many sets were completed.
pub(super) fn settle(parent: &Path, name: &str) -> io::Result<usize> {
    let prefix = format!(".{name}.");
    let mut completed = 0;
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let its = path.file_name().unwrap_or_default().to_string_lossy();
        let middle = its
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(NEW));
        let is_one =
            middle.is_some_and(|hex| hex.len() == 8 && hex.bytes().all(|c| c.is_ascii_hexdigit()));
        if !is_one {
            continue;
        }
        let Some(_lock) = lock(&path)? else { continue };
        completed += usize::from(complete(&path, parent)?);
        fs::remove_dir_all(&path)?;
    }
    Ok(completed)
}

/// Moves what a decided set still lacks.
fn complete(scratch: &Path, directory: &Path) -> io::Result<bool> {
    let set = match fs::read_to_string(scratch.join(SET)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        result => result?,
    };
    let mut moved = false;
    for (wanted, name) in set.lines().filter_map(|line| line.split_once(' ')) {
        let (from, to) = (scratch.join(name), directory.join(name));
        // What was exchanged is the old one; what somebody else changed since is theirs.
        if !has(&to, wanted)? && has(&from, wanted)? {
            fs::rename(from, to)?;
            moved = true;
        }
    }
    File::open(directory)?.sync_all()?;
    Ok(moved)
}

fn has(file: &Path, wanted: &str) -> io::Result<bool> {
    match fs::read(file) {
        Ok(content) => Ok(sha256(&content) == wanted),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The lock of a directory that is there; `None` if somebody holds it, or removed it meanwhile.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    let is_there = fs::metadata(path).is_ok_and(|now| {
        let held = file.metadata();
        held.is_ok_and(|held| held.ino() == now.ino() && held.dev() == now.dev())
    });
    Ok(is_there.then_some(file))
}

/// Which files a scratch moves, once that is decided: a hash and a name a line.
const SET: &str = ".set";
/// The same while it is written.
const DRAFT: &str = ".set.new";
/// How the names of scratch directories end.
const NEW: &str = ".new";
const TRIES: usize = 8;
