//! `GET /system/df`.
#![expect(missing_docs, reason = "the names are those of the API description")]

use serde::{Deserialize, Serialize};

use super::{container, image, volume};

/// What takes up how much room, in the shape of a version.
///
/// Since 1.52 there is a summary for each kind of object, with the objects if they were asked for;
/// the lists of the older shape stay beside them unless they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DiskUsage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_usage: Option<Usage<image::Summary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_usage: Option<Usage<container::Summary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_usage: Option<Usage<volume::Volume>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_cache_usage: Option<Usage<BuildCache>>,
    #[serde(flatten)]
    pub lists: Option<Lists>,
}

/// One kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Usage<T> {
    #[serde(skip_serializing_if = "super::is_zero")]
    pub active_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<T>>,
    #[serde(skip_serializing_if = "super::is_zero")]
    pub reclaimable: i64,
    #[serde(skip_serializing_if = "super::is_zero")]
    pub total_count: i64,
    #[serde(skip_serializing_if = "super::is_zero")]
    pub total_size: i64,
}

/// The older shape; a kind that was not asked for is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Lists {
    pub layers_size: i64,
    pub images: Option<Vec<image::Summary>>,
    pub containers: Option<Vec<container::Summary>>,
    pub volumes: Option<Vec<volume::Volume>>,
    pub build_cache: Option<Vec<BuildCache>>,
    /// Before 1.42.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder_size: Option<i64>,
}

/// One record of the build cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BuildCache {
    #[serde(rename = "ID")]
    pub id: String,
    /// Since 1.42; the blank in the name is on the wire.
    #[serde(rename = " Parents", skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<String>>,
    #[serde(rename = "Type")]
    pub kind: String,
    pub description: String,
    pub in_use: bool,
    pub shared: bool,
    pub size: i64,
    pub created_at: String,
    pub last_used_at: Option<String>,
    pub usage_count: i64,
}

/// `POST /build/prune`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BuildPruneReport {
    pub caches_deleted: Option<Vec<String>>,
    pub space_reclaimed: u64,
}
