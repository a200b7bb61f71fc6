//! Images as an archive that every other tool reads: OCI layout and docker-archive in one.
//!
//! ```text
//! blobs/sha256/<hex>   configurations, manifests, layers (uncompressed, as they were loaded)
//! index.json           OCI: manifests with their names
//! manifest.json        docker-archive: configuration, tags, layers
//! oci-layout
//! repositories         for loaders from before manifest.json
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use lockgate_types::{Digest, ImageRef};
use serde_json::{Value, json};
use tar::{EntryType, Header};

use super::SaveItem;
use crate::error::{ResolveError, SaveError, StoreError};
use crate::image::Image;
use crate::layer::{Layer, digest_of, reassemble};
use crate::store::Store;

impl Store {
    /// Writes images and their references. The layers come out byte for byte as they went in; each
    /// is verified while it is written, so a failure may come late and leaves a short stream.
    pub fn save(&self, items: &[SaveItem], writer: impl Write) -> Result<(), SaveError> {
        let mut pins = super::pin::Pins::new(self);
        let mut plan = Plan::default();
        for item in merged(items) {
            let image = self.image(&item.image);
            let image = image.ok_or_else(|| ResolveError::NotFound(item.image.to_string()))?;
            for diff_id in &image.layers {
                if !pins.pin_existing(diff_id) {
                    return Err(StoreError::MissingLayer(*diff_id).into());
                }
            }
            plan.add(self, &image, &item.refs)?;
        }
        self.write_archive(&plan, writer)
    }

    fn write_archive(&self, plan: &Plan, writer: impl Write) -> Result<(), SaveError> {
        let mut tar = Writer { output: writer };
        tar.directory("blobs/")?;
        tar.directory("blobs/sha256/")?;
        for (digest, blob) in &plan.blobs {
            let name = format!("blobs/sha256/{}", digest.hex());
            match blob {
                Blob::Bytes(bytes) => tar.file(&name, bytes)?,
                Blob::Layer(layer) => {
                    tar.header(&name, EntryType::Regular, layer.tar_size)?;
                    reassemble(layer, &self.layout().layer(digest), &mut tar.output)?;
                    tar.pad(layer.tar_size)?;
                }
            }
        }
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": plan.descriptors,
        });
        tar.file("index.json", index.to_string().as_bytes())?;
        tar.file(
            "manifest.json",
            Value::from(plan.docker.clone()).to_string().as_bytes(),
        )?;
        tar.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        tar.file(
            "repositories",
            json!(plan.repositories).to_string().as_bytes(),
        )?;
        tar.finish()
    }
}

enum Blob {
    Bytes(Vec<u8>),
    Layer(Layer),
}

/// What goes into the archive.
#[derive(Default)]
struct Plan {
    blobs: BTreeMap<Digest, Blob>,
    descriptors: Vec<Value>,
    docker: Vec<Value>,
    repositories: BTreeMap<String, BTreeMap<String, String>>,
}

impl Plan {
    fn add(
        &mut self,
        store: &Store,
        image: &Arc<Image>,
        refs: &[ImageRef],
    ) -> Result<(), SaveError> {
        let mut layers = Vec::with_capacity(image.layers.len());
        let mut sources = serde_json::Map::new();
        for diff_id in &image.layers {
            let layer = store
                .layer(diff_id)
                .ok_or(StoreError::MissingLayer(*diff_id))?;
            let descriptor = describe(LAYER_TYPE, diff_id, layer.tar_size);
            sources.insert(diff_id.to_string(), descriptor.clone());
            layers.push(descriptor);
            self.blobs.insert(*diff_id, Blob::Layer(layer));
        }
        let config = describe(CONFIG_TYPE, &image.id, image.raw_config.len() as u64);
        self.blobs
            .insert(image.id, Blob::Bytes(image.raw_config.clone()));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config,
            "layers": layers,
        });
        let manifest = manifest.to_string().into_bytes();
        self.describe_manifest(image, &manifest, refs);
        self.blobs
            .insert(digest_of(&manifest), Blob::Bytes(manifest));
        self.docker.push(json!({
            "Config": format!("blobs/sha256/{}", image.id.hex()),
            "RepoTags": if refs.is_empty() { Value::Null } else {
                refs.iter().map(ImageRef::familiar).collect()
            },
            "Layers": image.layers.iter().map(|id| format!("blobs/sha256/{}", id.hex())).collect::<Vec<_>>(),
            "LayerSources": sources,
        }));
        for reference in refs {
            if let (Some(tag), Some(top)) = (reference.tag(), image.layers.last()) {
                let tags = self
                    .repositories
                    .entry(reference.familiar_name())
                    .or_default();
                tags.insert(tag.to_owned(), top.hex());
            }
        }
        Ok(())
    }

    /// One entry in the index per name, or one without.
    fn describe_manifest(&mut self, image: &Image, manifest: &[u8], refs: &[ImageRef]) {
        let mut descriptor = describe(MANIFEST_TYPE, &digest_of(manifest), manifest.len() as u64);
        if let Value::Object(members) = &mut descriptor {
            let mut platform = json!({"architecture": image.config.architecture, "os": "linux"});
            if let (Value::Object(platform), false) =
                (&mut platform, image.config.variant.is_empty())
            {
                platform.insert("variant".to_owned(), image.config.variant.clone().into());
            }
            members.insert("platform".to_owned(), platform);
        }
        if refs.is_empty() {
            self.descriptors.push(descriptor.clone());
        }
        for reference in refs {
            let mut named = descriptor.clone();
            if let Value::Object(members) = &mut named {
                let annotations = json!({
                    "io.containerd.image.name": reference.to_string(),
                    "org.opencontainers.image.ref.name": reference.tag().unwrap_or_default(),
                });
                members.insert("annotations".to_owned(), annotations);
            }
            self.descriptors.push(named);
        }
    }
}

/// One item per image, references once.
fn merged(items: &[SaveItem]) -> Vec<SaveItem> {
    let mut merged: Vec<SaveItem> = Vec::new();
    let mut seen = BTreeSet::new();
    for item in items {
        let fresh = item
            .refs
            .iter()
            .filter(|reference| seen.insert((*reference).clone()))
            .cloned();
        let fresh: Vec<ImageRef> = fresh.collect();
        match merged.iter_mut().find(|known| known.image == item.image) {
            Some(known) => known.refs.extend(fresh),
            None => merged.push(SaveItem {
                image: item.image,
                refs: fresh,
            }),
        }
    }
    merged
}

fn describe(media_type: &str, digest: &Digest, size: u64) -> Value {
    json!({"mediaType": media_type, "digest": digest, "size": size})
}

/// The outer archive; times are zero, so that the same images give the same bytes.
struct Writer<W> {
    output: W,
}

impl<W: Write> Writer<W> {
    fn directory(&mut self, name: &str) -> Result<(), SaveError> {
        self.header(name, EntryType::Directory, 0)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), SaveError> {
        self.header(name, EntryType::Regular, bytes.len() as u64)?;
        self.output.write_all(bytes).map_err(SaveError::Write)?;
        self.pad(bytes.len() as u64)
    }

    fn header(&mut self, name: &str, kind: EntryType, size: u64) -> Result<(), SaveError> {
        let mut header = Header::new_ustar();
        header.set_path(name).map_err(SaveError::Write)?;
        header.set_entry_type(kind);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        header.set_cksum();
        self.output
            .write_all(header.as_bytes())
            .map_err(SaveError::Write)
    }

    fn pad(&mut self, size: u64) -> Result<(), SaveError> {
        let padding = usize::try_from(size.next_multiple_of(512) - size).unwrap_or(0);
        let zeros = [0; 512];
        self.output
            .write_all(zeros.get(..padding).unwrap_or_default())
            .map_err(SaveError::Write)
    }

    fn finish(mut self) -> Result<(), SaveError> {
        self.output
            .write_all(&[0; 1024])
            .map_err(SaveError::Write)?;
        self.output.flush().map_err(SaveError::Write)
    }
}

const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
