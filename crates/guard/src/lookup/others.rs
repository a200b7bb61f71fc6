//! Networks and volumes.

use std::collections::BTreeMap;

use lockgate_access::{Object, Power, Wish};
use serde::Deserialize;

use super::{Looker, read, unknown};
use crate::error::GuardError;

type Map = Option<BTreeMap<String, String>>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Network {
    name: String,
    id: String,
    driver: String,
    options: Map,
    labels: Map,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Volume {
    name: String,
    driver: String,
    options: Map,
    labels: Map,
}

/// Networks that every daemon has and nobody owns; `podman` is podman's `bridge`.
const COMMON: [&str; 4] = ["bridge", "host", "none", "podman"];

/// Whether a network is there by itself.
pub(crate) fn is_common(network: &str) -> bool {
    COMMON.contains(&network)
}

impl Looker {
    pub(super) async fn network(&self, name: &str) -> Result<Option<Object>, GuardError> {
        if is_common(name) {
            return Ok(Some(Object {
                id: name.to_owned(),
                is_common: true,
                ..Object::default()
            }));
        }
        let Some(told) = self.ask("networks", name, "").await? else {
            return Ok(None);
        };
        let Some(network) = read::<Network>(&told) else {
            return Ok(Some(unknown(name)));
        };
        if network.id.is_empty() {
            return Ok(Some(unknown(name)));
        }
        let labels = network.labels.unwrap_or_default();
        let options = network.options.as_ref();
        let found = Object::network(network.id, labels, &network.driver, options);
        Ok(Some(Object {
            is_common: is_common(&network.name),
            ..found
        }))
    }

    pub(super) async fn volume(&self, name: &str) -> Result<Option<Object>, GuardError> {
        let Some(told) = self.ask("volumes", name, "").await? else {
            return Ok(None);
        };
        let Some(volume) = read::<Volume>(&told) else {
            return Ok(Some(unknown(name)));
        };
        if volume.name.is_empty() {
            return Ok(Some(unknown(name)));
        }
        let labels = volume.labels.unwrap_or_default();
        let mut found = Object::volume(volume.name, labels, volume.options.as_ref());
        if !matches!(volume.driver.as_str(), "" | "local") {
            found.wishes.push(Wish {
                power: Power::Driver,
                detail: volume.driver,
                read_only: false,
            });
        }
        Ok(Some(found))
    }
}
