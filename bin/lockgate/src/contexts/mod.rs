//! Docker's contexts on disk, read and written so that both clients share them.
//!
//! ```text
//! <config>/contexts/meta/<sha256 of the name>/meta.json          {"Name", "Metadata", "Endpoints"}
//! <config>/contexts/tls/<sha256 of the name>/<endpoint>/*.pem    0600 below 0700
//! <config>/config.json                                           "currentContext"
//! ```

mod archive;

use std::io;
use std::path::{Path, PathBuf};

use lockgate_sys::file::{Durability, write_atomic, write_atomic_mode};
use serde_json::Value;

pub(crate) use archive::ArchiveError;

use crate::config::{go_error, hex_sha256};
use crate::entries::{Entries, indent_of};

/// Why a context cannot be read or written, in docker's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContextError {
    #[error("\"default\" is a reserved context name")]
    Reserved,
    #[error(
        "context name {0:?} is invalid, names are validated against regexp \"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\""
    )]
    Name(String),
    #[error("context {0:?} already exists")]
    Exists(String),
    #[error("context {name:?}: context not found: open {}: no such file or directory", .path.display())]
    NotFound { name: String, path: PathBuf },
    #[error("parsing {}: {reason}", .path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("{} {}: {}", .0, .1.display(), go_error(.2))]
    File(&'static str, PathBuf, #[source] io::Error),
}

/// A file of a context's TLS set: endpoint, name, content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFile {
    pub(crate) endpoint: String,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A whole context.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    /// As in `meta.json`; what we do not know stays in it.
    pub(crate) meta: Value,
    pub(crate) tls: Vec<TlsFile>,
}

/// The contexts of one configuration folder.
#[derive(Debug)]
pub(crate) struct Contexts {
    folder: PathBuf,
}

impl Contexts {
    /// Those of `~/.docker` or its like.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where a context's description is.
    pub(crate) fn meta_folder(&self, name: &str) -> PathBuf {
        self.folder.join("contexts/meta").join(hex_sha256(name))
    }

    /// Where its TLS sets are.
    pub(crate) fn tls_folder(&self, name: &str) -> PathBuf {
        self.folder.join("contexts/tls").join(hex_sha256(name))
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.meta_folder(name).join("meta.json").exists()
    }

    /// Reads one.
    pub(crate) fn read(&self, name: &str) -> Result<Stored, ContextError> {
        let path = self.meta_folder(name).join("meta.json");
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ContextError::NotFound {
                name: name.to_owned(),
                path: path.clone(),
            },
            _ => ContextError::File("open", path.clone(), error),
        })?;
        let meta = serde_json::from_slice(&bytes).map_err(|error| ContextError::Malformed {
            path,
            reason: error.to_string(),
        })?;
        let tls = self.read_tls(name)?;
        Ok(Stored { meta, tls })
    }

    fn read_tls(&self, name: &str) -> Result<Vec<TlsFile>, ContextError> {
        let mut files = Vec::new();
        for (endpoint, folder) in children(&self.tls_folder(name))? {
            for (name, path) in children(&folder)? {
                let bytes = std::fs::read(&path);
                files.push(TlsFile {
                    endpoint: endpoint.clone(),
                    name,
                    bytes: bytes.map_err(|error| ContextError::File("open", path, error))?,
                });
            }
        }
        Ok(files)
    }

    /// Writes one that must not exist yet.
    pub(crate) fn create(&self, name: &str, stored: &Stored) -> Result<(), ContextError> {
        check_name(name)?;
        if self.has(name) {
            return Err(ContextError::Exists(name.to_owned()));
        }
        self.write(name, stored)
    }

    /// Writes one, whether it exists or not. The description comes last: without it nothing is there.
    pub(crate) fn write(&self, name: &str, stored: &Stored) -> Result<(), ContextError> {
        check_name(name)?;
        let tls = self.tls_folder(name);
        for file in &stored.tls {
            let folder = tls.join(&file.endpoint);
            make_folder(&folder, 0o700)?;
            let path = folder.join(&file.name);
            write_atomic(&path, &file.bytes, Durability::Crash)
                .map_err(|error| ContextError::File("open", path, error))?;
        }
        self.remove_other_tls(name, stored)?;
        let folder = self.meta_folder(name);
        make_folder(&folder, 0o755)?;
        let path = folder.join("meta.json");
        let mut meta = stored.meta.clone();
        if let Some(object) = meta.as_object_mut() {
            object.insert("Name".to_owned(), name.into());
        }
        write_atomic_mode(&path, meta.to_string().as_bytes(), 0o644, Durability::Crash)
            .map_err(|error| ContextError::File("open", path, error))
    }

    /// What an earlier version of the context had and this one has not.
    fn remove_other_tls(&self, name: &str, stored: &Stored) -> Result<(), ContextError> {
        for (endpoint, folder) in children(&self.tls_folder(name))? {
            for (name, path) in children(&folder)? {
                let mut files = stored.tls.iter();
                if !files.any(|file| file.endpoint == endpoint && file.name == name) {
                    std::fs::remove_file(&path)
                        .map_err(|error| ContextError::File("remove", path, error))?;
                }
            }
        }
        Ok(())
    }

    /// Removes one, the description first.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ContextError> {
        remove(&self.meta_folder(name))?;
        remove(&self.tls_folder(name))
    }

    /// Makes one the current, or none.
    pub(crate) fn set_current(&self, name: Option<&str>) -> Result<(), ContextError> {
        let path = self.folder.join("config.json");
        let failed = |error| ContextError::File("open", path.clone(), error);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let malformed = |error: serde_json::Error| ContextError::Malformed {
            path: path.clone(),
            reason: error.to_string(),
        };
        let mut entries = Entries::parse(&text).map_err(malformed)?;
        match name {
            Some(name) => entries
                .set("currentContext", &name.into())
                .map_err(malformed)?,
            None => entries.remove("currentContext"),
        }
        make_folder(&self.folder, 0o700)?;
        let text = entries.render(indent_of(&text, "\t"));
        write_atomic(&path, text.as_bytes(), Durability::Crash).map_err(failed)
    }
}

/// Whether a context may have this name.
pub(crate) fn check_name(name: &str) -> Result<(), ContextError> {
    if name == "default" {
        return Err(ContextError::Reserved);
    }
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = letters.as_str();
    let good = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
    if first && !rest.is_empty() && rest.chars().all(good) {
        Ok(())
    } else {
        Err(ContextError::Name(name.to_owned()))
    }
}

fn children(folder: &Path) -> Result<Vec<(String, PathBuf)>, ContextError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ContextError::File("open", folder.to_owned(), error)),
    };
    let names = entries
        .flatten()
        .map(|entry| (entry.file_name(), entry.path()));
    let mut found: Vec<_> = names
        .filter_map(|(name, path)| Some((name.into_string().ok()?, path)))
        .collect();
    found.sort();
    Ok(found)
}

fn make_folder(path: &Path, mode: u32) -> Result<(), ContextError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(|error| ContextError::File("mkdir", path.to_owned(), error))
}

fn remove(folder: &Path) -> Result<(), ContextError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ContextError::File("remove", folder.to_owned(), error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
