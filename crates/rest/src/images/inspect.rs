//! `GET /images/{name}/json`

use lockgate_api::Shape;
use lockgate_api::latest::container::GraphDriver;
use lockgate_api::latest::image::{Config, Inspect, Metadata, RootFs, ShownConfig};
use lockgate_engine::ImageInspect;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) fn inspect(ask: &Ask) -> Result<Reply, Failure> {
    let mut answer = encode(ask.engine.images().inspect(ask.name())?);
    answer.shape(ask.version());
    Ok(reply::json(&answer))
}

fn encode(from: ImageInspect) -> Inspect {
    Inspect {
        id: from.id.to_string(),
        repo_tags: from.repo_tags,
        repo_digests: from.repo_digests,
        parent: from.parent.map(|parent| parent.to_string()),
        comment: Some(from.comment),
        created: from.created.map(|created| created.to_string()),
        container: Some(from.container).filter(|container| !container.is_empty()),
        container_config: from.container_config,
        docker_version: Some(from.docker_version),
        author: Some(from.author),
        architecture: from.architecture,
        variant: from.variant,
        os: from.os,
        os_version: from.os_version,
        size: from.size,
        virtual_size: None,
        graph_driver: Some(GraphDriver {
            data: Some(from.graph_driver),
            name: DRIVER.to_owned(),
        }),
        root_fs: RootFs {
            kind: "layers".to_owned(),
            layers: from.layers.iter().map(ToString::to_string).collect(),
        },
        metadata: Metadata {
            last_tag_time: from.last_tag_time.unwrap_or_default(),
        },
        config: Some(ShownConfig::Image(Box::new(Config::from(from.config)))),
    }
}

/// The name that clients know the overlay file system by.
const DRIVER: &str = "overlay2";
