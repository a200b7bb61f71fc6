//! Finding one file in a stack of overlay layers, by overlayfs' own rules.
//!
//! The topmost layer that has a name decides; directories of several layers are one directory;
//! a character device 0:0 hides what is below, and so does a directory that is marked opaque.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{FileType, Mode, OFlags, Stat};

/// Links followed before giving up, as the kernel does.
const MAX_LINKS: u32 = 40;

/// Directories that overlay each other, topmost first.
pub(super) struct Layers(Vec<Rc<OwnedFd>>);

/// What a stack has under a name.
pub(super) struct Entry {
    pub(super) handle: Rc<OwnedFd>,
    pub(super) stat: Stat,
    /// The directories of that name.
    pub(super) directory: Option<Layers>,
}

enum Found {
    Nothing,
    Directory(Layers),
    Link(OsString),
    File(OwnedFd),
}

impl Layers {
    /// Opens the roots, topmost first.
    pub(super) fn open<'a>(roots: impl Iterator<Item = &'a PathBuf>) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |path: &PathBuf| Ok(Rc::new(rustix::fs::open(path, flags, Mode::empty())?));
        roots.map(open).collect::<io::Result<_>>().map(Self)
    }

    /// The regular file at `path`, or `None` if there is none.
    pub(super) fn file(&self, path: &Path) -> io::Result<Option<File>> {
        let mut stack: Vec<Self> = vec![self.share()];
        let mut rest: VecDeque<OsString> = components(path.as_os_str());
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            let Some(current) = stack.last() else {
                return Ok(None);
            };
            match current.child(&name)? {
                Found::Nothing => return Ok(None),
                Found::Directory(directory) => stack.push(directory),
                Found::Link(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(rustix::io::Errno::LOOP.into());
                    }
                    if target.as_bytes().starts_with(b"/") {
                        stack.truncate(1);
                    }
                    for component in components(&target).into_iter().rev() {
                        rest.push_front(component);
                    }
                }
                Found::File(file) => {
                    return Ok(rest.is_empty().then(|| File::from(file)));
                }
            }
        }
        Ok(None)
    }

    fn share(&self) -> Self {
        Self(self.0.clone())
    }

    fn child(&self, name: &OsStr) -> io::Result<Found> {
        let Some(entry) = self.entry(name)? else {
            return Ok(Found::Nothing);
        };
        if let Some(directory) = entry.directory {
            return Ok(Found::Directory(directory));
        }
        match FileType::from_raw_mode(entry.stat.st_mode) {
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&entry.handle, "", Vec::new())?;
                Ok(Found::Link(OsString::from_vec(target.into_bytes())))
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let path = magic_path(&entry.handle);
                Ok(Found::File(rustix::fs::open(path, flags, Mode::empty())?))
            }
            _ => Ok(Found::Nothing),
        }
    }

    /// What the stack has under `name`.
    pub(super) fn entry(&self, name: &OsStr) -> io::Result<Option<Entry>> {
        let mut top = None;
        let mut directories = Vec::new();
        for layer in &self.0 {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let handle = match rustix::fs::openat(layer, name, flags, Mode::empty()) {
                Ok(handle) => Rc::new(handle),
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => continue,
                Err(error) => return Err(error.into()),
            };
            let stat = rustix::fs::fstat(&handle)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind != FileType::Directory {
                if top.is_none() && !is_whiteout(&stat) {
                    top = Some((handle, stat));
                }
                break;
            }
            let opaque = is_opaque(&handle);
            top.get_or_insert_with(|| (Rc::clone(&handle), stat));
            directories.push(handle);
            if opaque {
                break;
            }
        }
        Ok(top.map(|(handle, stat)| Entry {
            handle,
            stat,
            directory: (!directories.is_empty()).then_some(Self(directories)),
        }))
    }

    /// All names in this directory.
    pub(super) fn names(&self) -> io::Result<BTreeSet<OsString>> {
        let mut names = BTreeSet::new();
        for layer in &self.0 {
            for name in list(layer)? {
                if !names.contains(&name) && self.entry(&name)?.is_some() {
                    names.insert(name);
                }
            }
        }
        Ok(names)
    }
}

/// The names in a directory, in order.
pub(super) fn list(directory: &OwnedFd) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(directory, c".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether this says "there is nothing here".
pub(super) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// A path that leads to an open handle and no further.
pub(super) fn magic_path(handle: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

fn components(path: &OsStr) -> VecDeque<OsString> {
    path.as_bytes()
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(|part| OsStr::from_bytes(part).to_owned())
        .collect()
}

/// Whether a directory hides what lower layers have in it.
pub(super) fn is_opaque(directory: &OwnedFd) -> bool {
    let mut value = [0; 4];
    rustix::fs::getxattr(
        magic_path(directory),
        lockgate_sys::userns::overlay_opaque(),
        &mut value[..],
    )
    .is_ok_and(|length| length == 1 && value[0] == b'y')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(roots: &[PathBuf], path: &str) -> Option<String> {
        let layers = Layers::open(roots.iter()).unwrap();
        let mut file = layers.file(Path::new(path)).unwrap()?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        Some(text)
    }

    fn whiteout(path: &Path) {
        let mode = Mode::empty();
        rustix::fs::mknodat(rustix::fs::CWD, path, FileType::CharacterDevice, mode, 0).unwrap();
    }

    #[test]
    fn upper_layers_replace_hide_and_merge() {
        let root = tempfile::tempdir().unwrap();
        let (upper, lower) = (root.path().join("upper"), root.path().join("lower"));
        for layer in [&upper, &lower] {
            fs::create_dir_all(layer.join("etc")).unwrap();
        }
        fs::write(lower.join("etc/passwd"), "lower").unwrap();
        fs::write(lower.join("etc/group"), "group").unwrap();
        fs::write(upper.join("etc/passwd"), "upper").unwrap();
        let roots = [upper.clone(), lower];
        assert_eq!(read(&roots, "/etc/passwd").as_deref(), Some("upper"));
        assert_eq!(read(&roots, "etc/group").as_deref(), Some("group"));
        whiteout(&upper.join("etc/group"));
        assert_eq!(read(&roots, "etc/group"), None);
    }

    #[test]
    fn an_opaque_directory_hides_what_is_below() {
        let root = tempfile::tempdir().unwrap();
        let (upper, lower) = (root.path().join("upper"), root.path().join("lower"));
        for layer in [&upper, &lower] {
            fs::create_dir_all(layer.join("etc")).unwrap();
        }
        fs::write(lower.join("etc/passwd"), "lower").unwrap();
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(upper.join("etc"), "trusted.overlay.opaque", b"y", flags).unwrap();
        assert_eq!(read(&[upper, lower], "etc/passwd"), None);
    }

    #[test]
    fn links_are_followed_within_the_root_only() {
        let root = tempfile::tempdir().unwrap();
        let layer = root.path().join("layer");
        fs::create_dir_all(layer.join("usr/etc")).unwrap();
        fs::write(layer.join("usr/etc/passwd"), "inside").unwrap();
        fs::write(root.path().join("secret"), "outside").unwrap();
        symlink("usr/etc", layer.join("etc")).unwrap();
        symlink("/usr/etc/passwd", layer.join("absolute")).unwrap();
        symlink("../../secret", layer.join("usr/escape")).unwrap();
        symlink("loop", layer.join("loop")).unwrap();
        let roots = [layer];
        assert_eq!(read(&roots, "etc/passwd").as_deref(), Some("inside"));
        assert_eq!(read(&roots, "absolute").as_deref(), Some("inside"));
        assert_eq!(read(&roots, "usr/escape"), None);
        let layers = Layers::open(roots.iter()).unwrap();
        layers.file(Path::new("loop")).unwrap_err();
    }
}
