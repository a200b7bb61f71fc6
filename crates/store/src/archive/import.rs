//! An image from a bare root file system.

use std::io::Read;

use lockgate_types::{Digest, Timestamp};

use super::compression::{Compression, open};
use super::manifest::Planned;
use super::members::layer;
use super::pin::Pins;
use super::{ImportOptions, Loaded, host_architecture};
use crate::error::{LayerError, LoadError, StoreError};
use crate::image::{History, ImageConfig, RootFs};
use crate::layer::digest_of;
use crate::store::Store;

impl Store {
    /// Makes an image with one layer of a tar stream (plain, bzip2, gzip, xz or zstd).
    pub fn import(&self, reader: impl Read, options: ImportOptions) -> Result<Loaded, LoadError> {
        let scratch = self.layout().scratch()?;
        let mut pins = Pins::new(self);
        let layer = layer(
            open(reader)?,
            Compression::None,
            scratch.path().join("0"),
            scratch.ids(),
        )?;
        let members = layer
            .unpacked
            .as_ref()
            .map_or(0, |(_, record)| record.members);
        if members == 0 {
            return Err(LayerError::Tar("there is nothing in it").into());
        }
        let refs = options.reference.iter().cloned().collect();
        let raw_config = configuration(options, layer.diff_id)?;
        let id = digest_of(&raw_config);
        let planned = vec![Planned {
            id,
            raw_config,
            layers: vec![layer],
            refs,
            parent: None,
        }];
        let loaded = self.commit(&scratch, &mut pins, &planned, &mut |_| {})?;
        let missing = StoreError::NoSuchImage(id);
        Ok(loaded.into_iter().next().ok_or(missing)?)
    }
}

fn configuration(options: ImportOptions, diff_id: Digest) -> Result<Vec<u8>, LoadError> {
    let now = Timestamp::now();
    let architecture = match options.architecture.as_str() {
        "" => host_architecture().to_owned(),
        _ => options.architecture,
    };
    let history = History {
        created: Some(now),
        comment: options.message.clone(),
        ..History::default()
    };
    let config = ImageConfig {
        architecture,
        variant: options.variant,
        os: "linux".to_owned(),
        created: Some(now),
        comment: options.message,
        config: options.config,
        history: vec![history],
        rootfs: RootFs {
            diff_ids: vec![diff_id],
            ..RootFs::default()
        },
        ..ImageConfig::default()
    };
    serde_json::to_vec(&config).map_err(|source| LoadError::Json {
        name: "configuration".to_owned(),
        source,
    })
}
