//! Events on the wire.
#![expect(missing_docs, reason = "the names are those of the API description")]

use std::collections::BTreeMap;

use lockgate_types::event::{Event, EventKind};
use serde::{Deserialize, Serialize};

/// One line of `GET /events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Before 1.52, of containers and images.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Before 1.52, of containers and images.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Before 1.52, of containers: the image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(rename = "Action")]
    pub action: String,
    #[serde(rename = "Actor")]
    pub actor: Actor,
    pub scope: String,
    pub time: i64,
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "Attributes")]
    pub attributes: BTreeMap<String, String>,
}

impl From<Event> for Message {
    fn from(event: Event) -> Self {
        let has_status = matches!(event.kind, EventKind::Container | EventKind::Image);
        let legacy = |text: &String| {
            if has_status {
                text.clone()
            } else {
                String::new()
            }
        };
        let from = match event.kind {
            EventKind::Container => event.attributes.get("image").cloned().unwrap_or_default(),
            EventKind::Daemon | EventKind::Image | EventKind::Network | EventKind::Volume => {
                String::new()
            }
        };
        Self {
            status: legacy(&event.action),
            id: legacy(&event.id),
            from,
            kind: event.kind.as_str().to_owned(),
            action: event.action,
            actor: Actor {
                id: event.id,
                attributes: event.attributes,
            },
            scope: "local".to_owned(),
            time: event.time.unix_seconds(),
            time_nano: event.time.unix_nanos(),
        }
    }
}
