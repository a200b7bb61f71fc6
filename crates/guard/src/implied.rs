//! What a container gets without its body saying so: from its image, and from containers whose
//! volumes it takes.

use std::collections::BTreeMap;

use http::StatusCode;
use lockgate_api::Operation;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::GuardError;
use crate::inquire;
use crate::mark::{Known, cut, items, member, object, text};
use crate::pool::Pool;
use crate::rewrite::PATH;

/// What comes with an image and with other containers.
#[derive(Debug, Default)]
pub(crate) struct Implied {
    /// Where the image wants volumes of nobody's choice.
    pub(crate) volumes: Vec<String>,
    /// Labels of the image.
    pub(crate) labels: BTreeMap<String, String>,
    /// Where volumes of other containers are.
    pub(crate) taken: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Image {
    config: Option<ImageConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ImageConfig {
    volumes: Option<Map<String, Value>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    mounts: Option<Vec<Mount>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Mount {
    destination: String,
}

/// Asks, if it is about a new container that somebody will own. What is not there is the daemon's to
/// tell.
pub(crate) async fn by(
    pool: &Pool,
    known: Known<'_>,
    judged: &[u8],
) -> Result<Implied, GuardError> {
    let mut implied = Implied::default();
    let is_marked = known.operation == Operation::ContainerCreate && known.owner.is_some();
    let Ok(Value::Object(mut root)) = serde_json::from_slice(judged) else {
        return Ok(implied);
    };
    if !is_marked {
        return Ok(implied);
    }
    let name = member(&mut root, "Image").map_or_else(String::new, |it| text(it).to_owned());
    let image: Image = ask(pool, "images", &name).await?;
    let config = image.config.unwrap_or_default();
    implied.volumes = config
        .volumes
        .into_iter()
        .flatten()
        .map(|it| it.0)
        .collect();
    implied.labels = config.labels.unwrap_or_default();
    let mut others = Vec::new();
    if let Some(host) = object(&mut root, "HostConfig") {
        for from in items(host, "VolumesFrom") {
            others.push(cut(text(from)).0.to_owned());
        }
    }
    for other in others {
        let other = known.id(lockgate_access::Kind::Container, &other)?;
        let container: Container = ask(pool, "containers", &other).await?;
        let mounts = container.mounts.into_iter().flatten();
        implied.taken.extend(mounts.map(|mount| mount.destination));
    }
    Ok(implied)
}

async fn ask<T: Default + serde::de::DeserializeOwned>(
    pool: &Pool,
    kind: &str,
    name: &str,
) -> Result<T, GuardError> {
    if name.is_empty() {
        return Ok(T::default());
    }
    let name = utf8_percent_encode(name, PATH);
    let told = inquire::get(pool, &format!("/{kind}/{name}/json")).await?;
    if told.status != StatusCode::OK {
        return Ok(T::default());
    }
    serde_json::from_slice(&told.body).map_err(|_unreadable| GuardError::Strange {
        upstream: pool.upstream().to_string(),
        what: "what it says of an image or a container cannot be read",
    })
}
