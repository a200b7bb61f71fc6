//! The networks that are always there: `bridge`, `host`, `none`.

use std::fs;
use std::io;
use std::path::Path;

use lockgate_sys::file::{Durability, write_atomic};
use lockgate_types::{NetworkId, Timestamp};
use serde::{Deserialize, Serialize};

/// The ids of the built-in networks, the same for the life of a data root.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Builtin {
    pub(crate) bridge: NetworkId,
    pub(crate) host: NetworkId,
    pub(crate) none: NetworkId,
    pub(crate) created: Timestamp,
}

impl Builtin {
    /// Reads the ids, or makes them up on the first start.
    pub(crate) fn open(data_root: &Path) -> io::Result<Self> {
        let directory = data_root.join("networks");
        fs::create_dir_all(&directory)?;
        let path = directory.join("builtin.json");
        if let Ok(bytes) = fs::read(&path)
            && let Ok(ids) = serde_json::from_slice(&bytes)
        {
            return Ok(ids);
        }
        let ids = Self {
            bridge: NetworkId::random(),
            host: NetworkId::random(),
            none: NetworkId::random(),
            created: Timestamp::now(),
        };
        write_atomic(&path, &serde_json::to_vec(&ids)?, Durability::Crash)?;
        Ok(ids)
    }

    /// The id of a built-in network.
    pub(crate) fn id(&self, name: &str) -> Option<&NetworkId> {
        match name {
            "bridge" => Some(&self.bridge),
            "host" => Some(&self.host),
            "none" => Some(&self.none),
            _ => None,
        }
    }
}
