//! Copying in.

use std::io::Read;

use lockgate_store::{UnpackError, UnpackOptions, open_in_root, unpack_tree};
use rustix::fs::{FileType, OFlags};

use super::stat::absolute;
use super::{Files, FilesError};
use crate::container::error::FaultError;
use crate::rootfs::{self, Access};

/// How an archive is copied in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtractOptions {
    /// A directory is not replaced by something else, nor something else by a directory.
    pub keep_kinds: bool,
    /// Everything belongs to the container's user.
    pub own: bool,
}

impl Files {
    /// Unpacks an archive into the directory `path`, links followed. Blocks.
    pub fn extract(
        &self,
        path: &str,
        options: ExtractOptions,
        reader: impl Read,
    ) -> Result<(), FilesError> {
        let shown = absolute(path);
        let relative = shown.trim_start_matches('/').as_bytes();
        let directory = open_in_root(self.view.root(), relative, OFlags::PATH)
            .map_err(|error| self.path_error(error, path, &shown))?;
        let fault = |error: std::io::Error| FaultError::file("look at the directory")(error);
        let stat = rustix::fs::fstat(&directory).map_err(|error| fault(error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(FilesError::NotADirectory);
        }
        match self.view.access(&directory).map_err(fault)? {
            Access::Writable => {}
            Access::ReadOnlyRoot => return Err(FilesError::ReadOnlyRoot),
            Access::ReadOnlyVolume => return Err(FilesError::ReadOnlyVolume),
        }
        let options = UnpackOptions {
            keep_kinds: options.keep_kinds,
            owner: if options.own { self.owner()? } else { None },
            ids: self.engine.config.ids.clone(),
            shown,
        };
        match unpack_tree(&directory, reader, &options) {
            Err(UnpackError::Missing {
                path: member,
                source,
            }) => {
                tracing::debug!(member, %source, "a member needs what is not there");
                Err(FilesError::NotFound {
                    path: path.to_owned(),
                    container: self.asked.clone(),
                })
            }
            result => {
                result?;
                self.tell("extract-to-dir");
                Ok(())
            }
        }
    }

    /// The user that the container runs as; `None` if none was named.
    fn owner(&self) -> Result<Option<(u32, u32)>, FilesError> {
        let user = &self.record.config.user;
        if user.is_empty() {
            return Ok(None);
        }
        let snapshot = self.engine.store.snapshot(&self.record.id);
        let snapshot = snapshot.map_err(|error| FaultError::Store(error.to_string()))?;
        let identity = rootfs::of_layers(&snapshot, user, &[])
            .map_err(|error| FilesError::User(error.to_string()))?;
        Ok(Some((identity.uid, identity.gid)))
    }
}
