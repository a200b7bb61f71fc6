//! Where things lie in the data root, and how they are thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use lockgate_sys::file::spread_children;
use lockgate_types::{ContainerId, Digest, IdMapping, random_hex};

use crate::error::StoreError;

/// The folders of the store within the data root.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
    /// Who owns on this host what belongs to containers' users.
    ids: IdMapping,
    trash: Sender<PathBuf>,
}

impl Layout {
    /// Makes the folders, empties `tmp` and `trash`.
    pub(crate) fn open(root: &Path, ids: IdMapping) -> Result<Self, StoreError> {
        for name in FOLDERS {
            fs::create_dir_all(root.join(name)).map_err(StoreError::io("create the layout"))?;
        }
        // Layers and writable layers are made here and renamed into their places.
        spread_children(&root.join("tmp")).map_err(StoreError::io("create the layout"))?;
        let (sender, receiver) = channel();
        let layout = Self {
            root: root.to_owned(),
            ids,
            trash: sender,
        };
        for name in ["tmp", "trash"] {
            for path in layout.entries(name)? {
                layout.discard(&path)?;
            }
        }
        std::thread::Builder::new()
            .name("store-trash".to_owned())
            .spawn(move || empty_trash(&receiver))
            .map_err(StoreError::io("start the trash worker"))?;
        Ok(layout)
    }

    pub(crate) fn ids(&self) -> &IdMapping {
        &self.ids
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("images/index.json")
    }

    pub(crate) fn config(&self, id: &Digest) -> PathBuf {
        self.root.join("images").join(format!("{}.json", id.hex()))
    }

    pub(crate) fn schema(&self) -> PathBuf {
        self.root.join("store.json")
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.root.join("layers")
    }

    pub(crate) fn layer(&self, diff_id: &Digest) -> PathBuf {
        self.root.join("layers").join(diff_id.hex())
    }

    pub(crate) fn snapshot(&self, container: &ContainerId) -> PathBuf {
        self.root.join("overlay").join(container.as_str())
    }

    /// An empty directory, the lower layer of a container without image.
    pub(crate) fn empty(&self) -> PathBuf {
        self.root.join("empty")
    }

    /// The paths in one of the folders.
    pub(crate) fn entries(&self, folder: &str) -> Result<Vec<PathBuf>, StoreError> {
        let read = || -> io::Result<Vec<PathBuf>> {
            fs::read_dir(self.root.join(folder))?
                .map(|entry| entry.map(|e| e.path()))
                .collect()
        };
        read().map_err(StoreError::io("list a folder"))
    }

    /// A new directory in `tmp`, thrown away when dropped.
    pub(crate) fn scratch(&self) -> Result<Scratch, StoreError> {
        let path = self.root.join("tmp").join(random_hex());
        fs::create_dir(&path).map_err(StoreError::io("create a temporary folder"))?;
        Ok(Scratch {
            path,
            ids: self.ids.clone(),
            trash: self.trash.clone(),
        })
    }

    /// Takes `path` out of sight at once and removes it in the background.
    pub(crate) fn discard(&self, path: &Path) -> Result<(), StoreError> {
        let target = self.root.join("trash").join(random_hex());
        match fs::rename(path, &target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("move to the trash")(error)),
        }
        if let Err(unsent) = self.trash.send(target) {
            remove_tree(&unsent.0);
        }
        Ok(())
    }
}

/// A folder in `tmp` that is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    ids: IdMapping,
    trash: Sender<PathBuf>,
}

impl Scratch {
    pub(crate) fn ids(&self) -> &IdMapping {
        &self.ids
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(unsent) = self.trash.send(std::mem::take(&mut self.path)) {
            remove_tree(&unsent.0);
        }
    }
}

/// Runs until the store is gone. What is left then is removed at the next open.
fn empty_trash(receiver: &Receiver<PathBuf>) {
    for path in receiver {
        remove_tree(&path);
    }
}

/// `std::fs::remove_dir_all` goes through directory handles and follows no link.
fn remove_tree(path: &Path) {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "cannot empty the trash");
        }
        Ok(()) | Err(_) => {}
    }
}

const FOLDERS: [&str; 7] = ["", "images", "layers", "overlay", "tmp", "trash", "empty"];
