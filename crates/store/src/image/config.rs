//! The image configuration: OCI image spec `config.md`, with Docker's additions.
#![expect(missing_docs, reason = "the names are those of the specification")]

use lockgate_types::container::ContainerConfig;
use lockgate_types::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An image's configuration. Unknown members survive in the raw bytes, not here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    pub architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    pub os: String,
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub container: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_config: Option<ContainerConfig>,
    pub config: ContainerConfig,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    pub rootfs: RootFs,
}

/// How a layer came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// The layers, lowest first, by the digest of their uncompressed tar stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RootFs {
    #[serde(rename = "type")]
    pub kind: String,
    pub diff_ids: Vec<Digest>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self {
            kind: "layers".to_owned(),
            diff_ids: Vec::new(),
        }
    }
}

impl ImageConfig {
    /// Parses raw configuration bytes. JSON `null` means "not there", as Go writes it.
    pub fn parse(raw: &[u8]) -> Result<Self, serde_json::Error> {
        let mut value: Value = serde_json::from_slice(raw)?;
        drop_nulls(&mut value);
        serde_json::from_value(value)
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_docker_and_buildkit_write() {
        let config = ImageConfig::parse(
            br#"{"architecture":"amd64","os":"linux","created":"2026-11-21T22:46:21.934956494Z",
            "config":{"Hostname":null,"Env":["A=b"],"Cmd":["sh"],"Labels":null,"ExposedPorts":{"80/tcp":{}}},
            "history":[{"created":"1970-01-01T00:00:00Z","created_by":"x","empty_layer":true}],
            "rootfs":{"type":"layers","diff_ids":null},"moby.buildkit.trace":"x"}"#,
        )
        .unwrap();
        assert_eq!(config.config.cmd, Some(vec!["sh".to_owned()]));
        assert!(config.history[0].empty_layer);
        assert!(config.rootfs.diff_ids.is_empty());
    }
}
