//! An image from another one and a layer on top of it.

use std::io::Read;

use lockgate_types::container::ContainerConfig;
use lockgate_types::{ContainerId, Digest, ImageRef, Timestamp};

use super::compression::Compression;
use super::host_architecture;
use super::manifest::Planned;
use super::members::{LayerMember, layer};
use super::pin::Pins;
use crate::error::{LoadError, StoreError};
use crate::image::{History, Image, ImageConfig, RootFs};
use crate::layer::digest_of;
use crate::store::Store;

/// What a committed image is to be.
#[derive(Clone, Debug)]
pub struct CommitOptions {
    /// The image below; `None` for a container that was made from nothing.
    pub parent: Option<Digest>,
    /// What containers of it run.
    pub config: ContainerConfig,
    /// The container that it was made from, and what that ran.
    pub container: (ContainerId, ContainerConfig),
    /// Who made it.
    pub author: String,
    /// The comment of the history entry.
    pub comment: String,
    /// The engine's version.
    pub version: String,
    /// The reference it gets.
    pub reference: Option<ImageRef>,
}

impl Store {
    /// Makes an image of `parent` and one more layer, read from an uncompressed tar stream. A stream without
    /// members adds no layer.
    pub fn commit_layer(
        &self,
        reader: impl Read,
        options: &CommitOptions,
    ) -> Result<Digest, LoadError> {
        let parent = match &options.parent {
            Some(id) => Some(self.image(id).ok_or(StoreError::NoSuchImage(*id))?),
            None => None,
        };
        let scratch = self.layout().scratch()?;
        let mut pins = Pins::new(self);
        let below = parent.as_ref().map(|image| image.layers.clone());
        let mut layers: Vec<LayerMember> = Vec::new();
        for diff_id in below.unwrap_or_default() {
            if !pins.pin_existing(&diff_id) {
                return Err(StoreError::MissingLayer(diff_id).into());
            }
            layers.push(LayerMember {
                blob: diff_id,
                diff_id,
                unpacked: None,
            });
        }
        let top = layer(
            reader,
            Compression::None,
            scratch.path().join("0"),
            scratch.ids(),
        )?;
        let members = top
            .unpacked
            .as_ref()
            .map_or(0, |(_, record)| record.members);
        let is_empty = members == 0;
        if !is_empty {
            layers.push(top);
        }
        let diff_ids = layers.iter().map(|layer| layer.diff_id).collect();
        let raw_config = configuration(parent.as_deref(), options, diff_ids, is_empty)?;
        let id = digest_of(&raw_config);
        let planned = vec![Planned {
            id,
            raw_config,
            layers,
            refs: options.reference.iter().cloned().collect(),
            parent: options.parent,
        }];
        self.commit(&scratch, &mut pins, &planned, &mut |_| {})?;
        Ok(id)
    }
}

fn configuration(
    parent: Option<&Image>,
    options: &CommitOptions,
    diff_ids: Vec<Digest>,
    is_empty: bool,
) -> Result<Vec<u8>, LoadError> {
    let now = Timestamp::now();
    let below = parent.map(|image| image.config.clone()).unwrap_or_default();
    let (container, container_config) = &options.container;
    let mut history = below.history;
    history.push(History {
        created: Some(now),
        created_by: container_config.cmd.clone().unwrap_or_default().join(" "),
        author: options.author.clone(),
        comment: options.comment.clone(),
        empty_layer: is_empty,
    });
    let or = |text: String, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text
        }
    };
    let config = ImageConfig {
        architecture: or(below.architecture, host_architecture()),
        variant: below.variant,
        os: or(below.os, "linux"),
        os_version: below.os_version,
        created: Some(now),
        author: options.author.clone(),
        docker_version: options.version.clone(),
        container: container.to_string(),
        container_config: Some(container_config.clone()),
        config: options.config.clone(),
        history,
        rootfs: RootFs {
            diff_ids,
            ..RootFs::default()
        },
        ..ImageConfig::default()
    };
    serde_json::to_vec(&config).map_err(|source| LoadError::Json {
        name: "configuration".to_owned(),
        source,
    })
}
