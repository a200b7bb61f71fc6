//! Containers: create, list, inspect and the small answers.
#![expect(missing_docs, reason = "the names are those of the API description")]

mod create;
mod inspect;
mod list;

use serde::{Deserialize, Serialize};

pub use create::{CreateRequest, CreateResponse, UpdateRequest, UpdateResponse};
pub use inspect::{
    GraphDriver, Health, HealthLog, Inspect, LegacyNetworkSettings, NetworkSettings, RootFsStorage,
    Snapshot, State, Storage,
};
pub use list::{HealthSummary, PortSummary, Summary, SummaryHostConfig, SummaryNetworkSettings};

/// `GET /containers/{id}/top`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Top {
    pub processes: Vec<Vec<String>>,
    pub titles: Vec<String>,
}

/// `POST /containers/{id}/wait`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Wait {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WaitError>,
    pub status_code: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WaitError {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// `POST /containers/prune`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PruneReport {
    pub containers_deleted: Option<Vec<String>>,
    pub space_reclaimed: u64,
}
