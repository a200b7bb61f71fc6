//! What the doctor looks at: a tree of files, the environment, the time.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lockgate_pki::Clock;

/// A machine's files and a user's environment. Tests bring a tree of their own.
#[derive(Debug)]
pub(crate) struct World {
    root: PathBuf,
    environment: BTreeMap<String, String>,
    pub(crate) clock: Clock,
}

/// What a file's inode says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) changed: i64,
}

/// Configuration files are small; a file beyond this is none.
const FILE_MAX: u64 = 1 << 20;

impl World {
    /// The files below `root`, and this process' environment.
    pub(crate) fn new(root: Option<&Path>) -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self {
            root: root.map_or_else(|| PathBuf::from("/"), Path::to_path_buf),
            environment: pairs.collect(),
            clock: Clock::System,
        }
    }

    /// Whether it is the running system, whose addresses and processes can be asked for.
    pub(crate) fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// A variable that is set to something.
    pub(crate) fn env(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Where a path of that machine is.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        match path.strip_prefix("/") {
            Ok(inside) if !self.is_live() => self.root.join(inside),
            _ => path.to_owned(),
        }
    }

    /// A text file of that machine; `None` if there is none.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> io::Result<Option<String>> {
        let file = match std::fs::File::open(self.path(path)) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(FILE_MAX).read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// What a file looks like, links followed.
    pub(crate) fn look(&self, path: impl AsRef<Path>) -> Option<Look> {
        let metadata = std::fs::metadata(self.path(path)).ok()?;
        Some(Look {
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            changed: metadata.mtime(),
        })
    }

    /// The number of a group in that machine's `/etc/group`.
    pub(crate) fn group(&self, name: &str) -> Option<u32> {
        let text = self.text("/etc/group").ok()??;
        text.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
        })
    }

    /// The names of files in a folder, in order.
    pub(crate) fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        names
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
