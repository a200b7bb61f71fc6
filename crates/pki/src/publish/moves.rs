//! Renames that are taken back when one of them fails.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};

use super::{Overwrite, PublishError};

/// One name that is to appear, or to change its content.
#[derive(Debug)]
pub(super) struct Move {
    from: PathBuf,
    to: PathBuf,
    overwrite: Overwrite,
}

impl Move {
    pub(super) fn new(from: PathBuf, to: PathBuf, overwrite: Overwrite) -> Self {
        Self {
            from,
            to,
            overwrite,
        }
    }
}

/// How a name is moved; tests put a failure here.
pub(super) type Rename<'a> = &'a mut dyn FnMut(&Path, &Path, RenameFlags) -> io::Result<()>;

/// Moves everything. What was replaced ends up under the name that the new file had before.
pub(super) fn run(moves: &[Move], rename: Rename<'_>) -> Result<(), PublishError> {
    for (done, step) in moves.iter().enumerate() {
        if let Err(error) = place(step, rename) {
            take_back(moves.get(..done).unwrap_or_default(), rename);
            return Err(refusal(step, error));
        }
    }
    for step in moves {
        if let Err(error) = sync_parent(&step.to) {
            take_back(moves, rename);
            return Err(refusal(step, error));
        }
    }
    Ok(())
}

/// `renameat2`, so that neither an existing file is lost nor a new one overlooked.
pub(super) fn rename(from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(CWD, from, CWD, to, flags)?)
}

fn place(step: &Move, rename: Rename<'_>) -> io::Result<()> {
    if step.overwrite == Overwrite::Replace {
        match rename(&step.from, &step.to, RenameFlags::EXCHANGE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
    rename(&step.from, &step.to, RenameFlags::NOREPLACE)
}

/// Last one first. A name that was exchanged is exchanged again; a new one goes back.
fn take_back(moves: &[Move], rename: Rename<'_>) {
    for step in moves.iter().rev() {
        let flags = match step.from.symlink_metadata() {
            Ok(_) => RenameFlags::EXCHANGE,
            Err(_) => RenameFlags::NOREPLACE,
        };
        // The first error is the one to tell; this is the way out.
        drop(rename(&step.to, &step.from, flags));
    }
}

fn refusal(step: &Move, error: io::Error) -> PublishError {
    match error.kind() {
        // Somebody was quicker, after the check.
        io::ErrorKind::AlreadyExists => PublishError::Exists(step.to.clone()),
        _ => PublishError::io(&step.to)(error),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
