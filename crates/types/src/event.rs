//! Events as `GET /events` tells them (Docker API 1.55, `EventMessage`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Something that happened to an object, published after it became durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What kind of object: `container`, `image`, `network`, `volume`, `daemon`.
    pub kind: EventKind,
    /// What happened: `create`, `start`, `exec_create: sh -c …`, …
    pub action: String,
    /// The object's id or name.
    pub id: String,
    /// Name, image, labels and what belongs to the action.
    pub attributes: BTreeMap<String, String>,
    /// When.
    pub time: Timestamp,
}

/// The kind of object an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variants are the words of the API")]
pub enum EventKind {
    Container,
    Daemon,
    Image,
    Network,
    Volume,
}

impl EventKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Daemon => "daemon",
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "volume",
        }
    }
}
