//! The whole root file system as an archive.

use std::io::Write;
use std::os::fd::AsFd as _;

use lockgate_store::{Form, Packer};

use super::{Files, FilesError};
use crate::container::Containers;
use crate::container::error::FaultError;

/// A root file system, ready to be written as a tar stream.
#[derive(Debug)]
pub struct Export(Files);

impl Containers {
    /// The root file system of a container, without volumes.
    pub async fn export(&self, name: &str) -> Result<Export, FilesError> {
        let files = self.open_view(name, false).await?;
        files.tell("export");
        Ok(Export(files))
    }
}

impl Export {
    /// Ends when the container is to be started and this is in its way.
    pub fn leaving(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.leaving()
    }

    /// Writes the archive. Blocks.
    pub fn write(self, out: impl Write) -> Result<(), FilesError> {
        let mut packer = Packer::new(out, Form::Plain);
        packer.map_owners(self.0.engine.config.ids.clone());
        let root = self.0.view.root().as_fd().try_clone_to_owned();
        packer.contents(&root.map_err(FaultError::file("open the root"))?)?;
        packer.finish()?;
        Ok(())
    }
}
