//! The portable half: what runs inside.
#![expect(missing_docs, reason = "the names are those of the API description")]
#![expect(
    clippy::zero_sized_map_values,
    reason = "Docker writes sets as maps to `{}`"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::Empty;

/// What runs in the container (`ContainerConfig`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerConfig {
    pub hostname: String,
    pub domainname: String,
    pub user: String,
    pub attach_stdin: bool,
    pub attach_stdout: bool,
    pub attach_stderr: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, Empty>>,
    pub tty: bool,
    pub open_stdin: bool,
    pub stdin_once: bool,
    pub env: Option<Vec<String>>,
    #[serde(deserialize_with = "text_or_list")]
    pub cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub args_escaped: bool,
    pub image: String,
    pub volumes: Option<BTreeMap<String, Empty>>,
    pub working_dir: String,
    #[serde(deserialize_with = "text_or_list")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub network_disabled: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    pub on_build: Option<Vec<String>>,
    pub labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text_or_list"
    )]
    pub shell: Option<Vec<String>>,
}

/// How to ask a container whether it is well; durations are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Vec<String>>,
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// Docker takes `"Cmd": "ls"` for `"Cmd": ["ls"]`.
fn text_or_list<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrList {
        Text(String),
        List(Vec<String>),
    }
    Ok(
        Option::<TextOrList>::deserialize(input)?.map(|value| match value {
            TextOrList::Text(text) => vec![text],
            TextOrList::List(list) => list,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_text_as_a_command() {
        let config: ContainerConfig =
            serde_json::from_str(r#"{"Cmd":"ls","Entrypoint":["a","b"]}"#).unwrap();
        assert_eq!(config.cmd, Some(vec!["ls".to_owned()]));
        assert_eq!(config.entrypoint.map(|e| e.len()), Some(2));
    }
}
