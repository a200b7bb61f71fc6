//! Sets of files that appear together or not at all.
//!
//! ```text
//! directory absent    files in `.NAME.XXXX.new` beside it, then one rename: nobody sees half a set
//! directory present   files in `.XXXX.new` inside it, then each is moved into place; the first
//!                     failure moves back what was moved
//! ```
//!
//! Nothing is overwritten unless [`Overwrite::Replace`] says so. All content is on disk before the
//! first name changes, so what is left to fail is a rename. A process that is killed between two of them
//! leaves a set that [`settle`] completes.

mod moves;
mod scratch;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use lockgate_types::ErrorKind;
use thiserror::Error;

use crate::hash::sha256;
use crate::key::reason;
use moves::Move;
pub(crate) use scratch::{Scratch, discard};

/// Whether existing files may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error.
    Refuse,
    /// Existing files are replaced.
    Replace,
}

/// Why a set of files was not written. Nothing of it is there.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A file is there already.
    #[error("{} exists already: choose another directory, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// The system refused.
    #[error("cannot write {}: {reason}; nothing was written, check the directory and try again", .file.display())]
    Io {
        /// What was being written.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The name stands for something that is no file.
    #[error("{} is no regular file: remove it or choose another directory", .0.display())]
    NotAFile(PathBuf),
}

impl PublishError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Exists(_) => ErrorKind::AlreadyExists,
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::NotAFile(_) => ErrorKind::InvalidInput,
        }
    }

    fn io(file: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Io {
            file: file.to_owned(),
            reason: reason(&error),
        }
    }
}

/// Files that belong together.
#[derive(Clone, Default)]
pub struct FileSet(Vec<NewFile>);

#[derive(Clone)]
struct NewFile {
    name: Cow<'static, str>,
    content: Vec<u8>,
    mode: u32,
}

impl FileSet {
    /// Adds a certificate: readable by all, changed by nobody (0444).
    pub fn certificate(self, name: impl Into<Cow<'static, str>>, pem: &str) -> Self {
        self.with(name, pem.as_bytes(), 0o444)
    }

    /// Adds a private key: readable by its owner alone (0400).
    pub fn key(self, name: impl Into<Cow<'static, str>>, pem: &str) -> Self {
        self.with(name, pem.as_bytes(), 0o400)
    }

    /// Adds a file of the authority's own state (0600).
    pub fn state(self, name: impl Into<Cow<'static, str>>, text: &str) -> Self {
        self.with(name, text.as_bytes(), 0o600)
    }

    fn with(mut self, name: impl Into<Cow<'static, str>>, content: &[u8], mode: u32) -> Self {
        self.0.push(NewFile {
            name: name.into(),
            content: content.to_vec(),
            mode,
        });
        self
    }
}

impl std::fmt::Debug for FileSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|file| file.name.as_ref()))
            .finish()
    }
}

/// Sets that lie on disk under other names, ready to be moved into place. Dropped, they vanish.
#[derive(Debug)]
pub struct StagedSet {
    overwrite: Overwrite,
    made: Vec<PathBuf>,
    scratch: Vec<Scratch>,
    /// For each scratch whose files are moved one by one, their hashes and names.
    decisions: Vec<(usize, Vec<(String, String)>)>,
    moves: Vec<Move>,
}

/// Writes every set beside its place. Nothing is visible before [`StagedSet::commit`].
pub fn stage(sets: &[(&Path, FileSet)], overwrite: Overwrite) -> Result<StagedSet, PublishError> {
    let mut staged = StagedSet {
        overwrite,
        made: Vec::new(),
        scratch: Vec::new(),
        decisions: Vec::new(),
        moves: Vec::new(),
    };
    for (directory, set) in sets {
        settle(directory)?;
        let names: Vec<&str> = set.0.iter().map(|file| file.name.as_ref()).collect();
        check_targets(directory, &names, overwrite)?;
    }
    for (directory, set) in sets {
        staged.add(directory, set)?;
    }
    Ok(staged)
}

impl StagedSet {
    /// Moves all files into place; at the first failure all are back where they were.
    pub fn commit(self) -> Result<(), PublishError> {
        self.run(&mut moves::rename)
    }

    fn run(&self, rename: moves::Rename<'_>) -> Result<(), PublishError> {
        for (at, files) in &self.decisions {
            let Some(scratch) = self.scratch.get(*at) else {
                continue;
            };
            let decided = scratch.decide(files);
            decided.map_err(PublishError::io(scratch.path()))?;
        }
        let moved = moves::run(&self.moves, rename);
        if moved.is_err() {
            for (at, _) in &self.decisions {
                // The first error is the one to tell; the scratch is removed next.
                drop(self.scratch.get(*at).map(Scratch::withdraw));
            }
        }
        moved
    }

    fn add(&mut self, directory: &Path, set: &FileSet) -> Result<(), PublishError> {
        if let Ok(existing) = fs::canonicalize(directory) {
            let scratch = self.scratch(&existing, "")?;
            write_files(&scratch, set)?;
            let files = set.0.iter();
            let files = files.map(|file| (file.name.to_string(), sha256(&file.content)));
            self.decisions
                .push((self.scratch.len() - 1, files.collect()));
            for file in &set.0 {
                let (from, to) = (scratch.join(&*file.name), existing.join(&*file.name));
                self.moves.push(Move::new(from, to, self.overwrite));
            }
            return Ok(());
        }
        let parent = match directory.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        self.make_directories(parent)?;
        let name = directory
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let scratch = self.scratch(parent, &name)?;
        write_files(&scratch, set)?;
        self.moves
            .push(Move::new(scratch, directory.to_owned(), Overwrite::Refuse));
        Ok(())
    }

    fn scratch(&mut self, parent: &Path, name: &str) -> Result<PathBuf, PublishError> {
        let scratch = Scratch::make(parent, name).map_err(PublishError::io(parent))?;
        let path = scratch.path().to_owned();
        self.scratch.push(scratch);
        Ok(path)
    }

    /// Makes what is missing of a path, each directory for its owner alone.
    fn make_directories(&mut self, path: &Path) -> Result<(), PublishError> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make_directories(parent)?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(path)
            .map_err(PublishError::io(path))?;
        self.made.push(path.to_owned());
        Ok(())
    }
}

impl Drop for StagedSet {
    fn drop(&mut self) {
        // First: directories that were made for them are to be empty.
        self.scratch.clear();
        for path in self.made.iter().rev() {
            // Refused by the system when the set is in it: then it stays.
            drop(fs::remove_dir(path));
        }
    }
}

/// Completes the sets of processes that were killed while they moved them into `directory`, and removes
/// what others left there undecided. Says how many were completed.
pub fn settle(directory: &Path) -> Result<usize, PublishError> {
    match scratch::settle(directory, "") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        // A file: what is to be put there says so.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(0),
        result => result.map_err(PublishError::io(directory)),
    }
}

/// Whether files of these names could be put into `directory`.
pub(crate) fn check_targets(
    directory: &Path,
    names: &[&str],
    overwrite: Overwrite,
) -> Result<(), PublishError> {
    match fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => {
            return Err(PublishError::NotAFile(directory.to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(PublishError::io(directory)(error)),
    }
    for name in names {
        let path = directory.join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return Err(PublishError::NotAFile(path)),
            Ok(_) if overwrite == Overwrite::Refuse => return Err(PublishError::Exists(path)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(PublishError::io(&path)(error)),
        }
    }
    Ok(())
}

fn write_files(directory: &Path, set: &FileSet) -> Result<(), PublishError> {
    for file in &set.0 {
        let path = directory.join(&*file.name);
        write_file(&path, file).map_err(PublishError::io(&path))?;
    }
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(PublishError::io(directory))
}

fn write_file(path: &Path, file: &NewFile) -> io::Result<()> {
    let mut open = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    open.write_all(&file.content)?;
    open.set_permissions(Permissions::from_mode(file.mode))?;
    open.sync_all()
}
