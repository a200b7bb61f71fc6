//! One JSON document with a schema number, replaced atomically.

use std::fs;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use lockgate_sys::file::{Durability, write_atomic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// A small document on disk: `{"schema": <n>, "data": <T>}`.
///
/// Readers see the old document or the new one, whatever happens. Reading a schema from the future
/// is refused, so that an older version cannot lose what it does not know.
#[derive(Debug)]
pub struct StateFile<T> {
    path: PathBuf,
    schema: u32,
    durability: Durability,
    shape: PhantomData<fn() -> T>,
}

#[derive(Serialize, Deserialize)]
struct Document<T> {
    schema: u32,
    data: T,
}

#[derive(Deserialize)]
struct SchemaOnly {
    schema: u32,
}

impl<T: Serialize + DeserializeOwned> StateFile<T> {
    /// The document at `path`, whose newest known schema is `schema`.
    pub fn new(path: PathBuf, schema: u32, durability: Durability) -> Self {
        Self {
            path,
            schema,
            durability,
            shape: PhantomData,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` if it does not exist.
    pub fn read(&self) -> Result<Option<T>, StoreError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read a state file")(error)),
        };
        let schema: SchemaOnly = serde_json::from_slice(&bytes).map_err(|e| self.damaged(e))?;
        if schema.schema > self.schema {
            return Err(StoreError::NewerSchema {
                found: schema.schema,
                known: self.schema,
            });
        }
        let document: Document<T> = serde_json::from_slice(&bytes).map_err(|e| self.damaged(e))?;
        Ok(Some(document.data))
    }

    /// The schema it was written with; `None` if it does not exist.
    pub fn read_schema(&self) -> Result<Option<u32>, StoreError> {
        self.bytes()?
            .map(|bytes| self.schema_of(&bytes))
            .transpose()
    }

    /// Replaces it.
    pub fn write(&self, data: &T) -> Result<(), StoreError> {
        let document = Document {
            schema: self.schema,
            data,
        };
        let bytes = serde_json::to_vec_pretty(&document).map_err(|e| self.damaged(e))?;
        write_atomic(&self.path, &bytes, self.durability)
            .map_err(StoreError::io("write a state file"))
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read a state file")(error)),
        }
    }

    fn schema_of(&self, bytes: &[u8]) -> Result<u32, StoreError> {
        let found: SchemaOnly = serde_json::from_slice(bytes).map_err(|e| self.damaged(e))?;
        if found.schema > self.schema {
            return Err(StoreError::NewerSchema {
                found: found.schema,
                known: self.schema,
            });
        }
        Ok(found.schema)
    }

    fn damaged(&self, source: serde_json::Error) -> StoreError {
        let name = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        StoreError::Damaged { name, source }
    }
}
