//! Directories below the one that is filled.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::super::MAX_DEPTH;
use super::super::handle::{look, open_in_root};

/// The directory that is filled, and the one below it that was used last.
pub(super) struct Place<'a> {
    root: &'a OwnedFd,
    owner: Option<(u32, u32)>,
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
}

impl<'a> Place<'a> {
    pub(super) fn new(root: &'a OwnedFd, owner: Option<(u32, u32)>) -> Self {
        Self {
            root,
            owner,
            last: None,
        }
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Must be called when something is removed: it may have been on the way.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// The directory at `path`, made with its parents where there is none.
    pub(super) fn ensure(&mut self, path: &[u8]) -> rustix::io::Result<Rc<OwnedFd>> {
        match &self.last {
            Some((known, handle)) if known == path => return Ok(Rc::clone(handle)),
            _ => {}
        }
        let handle = match self.existing(path) {
            Err(Errno::NOENT) => self.make(path)?,
            result => result?,
        };
        let handle = Rc::new(handle);
        self.last = Some((path.to_vec(), Rc::clone(&handle)));
        Ok(handle)
    }

    /// The directory at `path`, links followed inside the root.
    pub(super) fn existing(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        open_in_root(self.root(), path, OFlags::PATH | OFlags::DIRECTORY)
    }

    fn make(&mut self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        let (parent, name) = split_name(path);
        let parent = self.ensure(parent)?;
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => self.own(&parent, name)?,
            // A link that leads nowhere, or somebody was faster.
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        self.existing(path)
    }

    fn own(&self, parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
        let Some((uid, gid)) = self.owner else {
            return Ok(());
        };
        let (handle, _) = look(parent.as_fd(), name)?;
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        // By the handle alone: a private view has no /proc.
        rustix::fs::chownat(&handle, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
    }
}

/// A member's name without `.`, `..` and doubled slashes, relative to the directory; empty for the directory
/// itself, `None` if it leads out or is beyond the limits.
pub(super) fn lexical(name: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            // Above an absolute name's root there is the root.
            b".." if parts.is_empty() && name.starts_with(b"/") => {}
            b".." => drop(parts.pop()?),
            part if part.len() > MAX_COMPONENT || part.contains(&0) => return None,
            part => parts.push(part),
        }
    }
    let clean = parts.join(&b'/');
    (!name.is_empty() && parts.len() <= MAX_DEPTH && clean.len() <= MAX_PATH).then_some(clean)
}

/// The parent's path and the last component.
pub(super) fn split_name(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (
            path.get(..at).unwrap_or_default(),
            path.get(at + 1..).unwrap_or_default(),
        ),
        None => (b"", path),
    }
}

const MAX_COMPONENT: usize = 255;
const MAX_PATH: usize = 4095;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_those_that_climb_out_refused() {
        for (name, clean) in [
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("/etc/passwd", Some("etc/passwd")),
            ("/../etc", Some("etc")),
            ("dd/../ee", Some("ee")),
            ("./", Some("")),
            ("/", Some("")),
            ("", None),
            ("..", None),
            ("../a", None),
            ("a/../../b", None),
        ] {
            let found = lexical(name.as_bytes());
            assert_eq!(found.as_deref(), clean.map(str::as_bytes), "{name}");
        }
        assert_eq!(lexical(b"a\0b"), None);
        assert_eq!(lexical(&[b'x'; 256]), None);
        assert_eq!(lexical(&b"x/".repeat(257)), None);
    }

    proptest::proptest! {
        #[test]
        fn no_name_leaves_the_directory(name in "[a./]{0,40}") {
            if let Some(clean) = lexical(name.as_bytes()) {
                let clean = String::from_utf8(clean).unwrap();
                proptest::prop_assert!(clean.split('/').all(|part| part != ".." && part != "."));
                proptest::prop_assert!(!clean.starts_with('/') && !clean.contains("//"));
            }
        }
    }
}
