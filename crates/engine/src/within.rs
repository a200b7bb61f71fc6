//! Paths of the host that must be below what their user may mount, wherever links lead.
//!
//! Whoever may write below such a path may exchange a directory for a link at any moment. So a path is opened
//! once, where that led is looked at, and what was opened is what is used.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;

use crate::container::{ConfigError, FaultError};

/// Why a path is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WithinError {
    /// There is nothing, or it leads out.
    #[error(transparent)]
    Refused(#[from] ConfigError),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

/// Opens `path`, follows what links there are, and refuses what is not below one of `roots`.
pub(crate) fn open(path: &str, roots: &[PathBuf]) -> Result<OwnedFd, WithinError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let found = rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve);
    let found = found.map_err(|error| match error {
        Errno::NOENT | Errno::NOTDIR => ConfigError::BindSource(path.to_owned()).into(),
        error => WithinError::from(FaultError::file("open a bind source")(error.into())),
    })?;
    let real =
        fs::read_link(link(&found)).map_err(FaultError::file("look where a bind source leads"))?;
    if roots.iter().any(|root| real.starts_with(root)) {
        return Ok(found);
    }
    let (path, real) = (path.to_owned(), real.to_string_lossy().into_owned());
    Err(ConfigError::OutsideRoots { path, real }.into())
}

/// A path that leads to what is open and to nothing else, for calls that take no handle.
pub(crate) fn link(open: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", open.as_raw_fd())
}

/// Makes the directories of `path` that are missing, below what is there already and within `roots`.
pub(crate) fn make(path: &str, roots: &[PathBuf], owner: (u32, u32)) -> Result<(), WithinError> {
    let whole = Path::new(path);
    let is_there = |path: &&Path| fs::symlink_metadata(path).is_ok();
    let Some(base) = whole.ancestors().find(is_there) else {
        return Err(ConfigError::BindSource(path.to_owned()).into());
    };
    let mut directory = open(&base.to_string_lossy(), roots)?;
    for name in whole.strip_prefix(base).into_iter().flatten() {
        directory = step(&directory, name, owner)
            .map_err(FaultError::file("error while creating mount source path"))?;
    }
    Ok(())
}

/// One directory more. A link that somebody puts in its place is not followed.
fn step(parent: &OwnedFd, name: &OsStr, owner: (u32, u32)) -> io::Result<OwnedFd> {
    let made = match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error.into()),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    if made {
        let (uid, gid) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        rustix::fs::chownat(&directory, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    // T: symlink-bind
    #[test]
    fn directories_are_made_below_the_roots_and_never_through_a_link_out_of_them() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (ours, secret) = (root.join("ours"), root.join("secret"));
        fs::create_dir_all(ours.join("real")).unwrap();
        fs::create_dir_all(&secret).unwrap();
        symlink(&secret, ours.join("out")).unwrap();
        symlink(ours.join("real"), ours.join("in")).unwrap();
        let roots = [ours.clone()];
        let at = |path: &str| ours.join(path).to_string_lossy().into_owned();
        let owner = (0, 0);
        make(&at("in/a/b"), &roots, owner).unwrap();
        assert!(ours.join("real/a/b").is_dir());
        make(&at("in/a/b"), &roots, owner).unwrap();
        for path in ["out/x", "../secret/x", "real/../../secret/x"] {
            let refused = make(&at(path), &roots, owner).unwrap_err();
            assert!(
                refused.to_string().contains("not below a path"),
                "{refused}"
            );
        }
        assert_eq!(fs::read_dir(&secret).unwrap().count(), 0);
        open(&at("out"), &roots).unwrap_err();
        open(&at("missing"), &roots).unwrap_err();
        assert_eq!(
            fs::read_link(link(&open(&at("in"), &roots).unwrap())).unwrap(),
            ours.join("real")
        );
    }
}
