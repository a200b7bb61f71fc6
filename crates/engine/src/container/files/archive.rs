//! Copying out.

use std::io::Write;

use lockgate_store::{Form, Packer};

use super::stat::Found;
use super::{Files, FilesError, PathStat};

/// A file or tree of a container, ready to be written as a tar stream.
pub struct FileArchive {
    files: Files,
    found: Found,
}

impl Files {
    /// The file or tree at `path`. Blocks.
    pub fn archive(self, path: &str) -> Result<FileArchive, FilesError> {
        let found = self.find(path)?;
        self.tell("archive-path");
        Ok(FileArchive { files: self, found })
    }
}

impl FileArchive {
    /// What was found at the path.
    pub fn stat(&self) -> &PathStat {
        &self.found.stat
    }

    /// Ends when the container is to be started and this is in its way.
    pub fn leaving(&self) -> impl Future<Output = ()> + Send + 'static {
        self.files.leaving()
    }

    /// Writes the archive; members are named from the last component of the path on. Blocks.
    pub fn write(self, out: impl Write) -> Result<(), FilesError> {
        let mut packer = Packer::new(out, Form::Plain);
        packer.map_owners(self.files.engine.config.ids.clone());
        packer.entry(&self.found.handle, self.found.stat.name.as_bytes())?;
        packer.finish()?;
        Ok(())
    }
}

impl std::fmt::Debug for FileArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileArchive")
            .field("stat", &self.found.stat)
            .finish_non_exhaustive()
    }
}
