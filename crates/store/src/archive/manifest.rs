//! From an archive's metadata to the images in it.

use std::collections::BTreeMap;

use lockgate_types::{Digest, ImageRef};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::host_architecture;
use super::members::{Archive, LayerMember, Member};
use crate::error::LoadError;
use crate::image::ImageConfig;

/// An image as the archive describes it, verified against the layers that were unpacked.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) id: Digest,
    pub(crate) raw_config: Vec<u8>,
    pub(crate) layers: Vec<LayerMember>,
    pub(crate) refs: Vec<ImageRef>,
    /// The image that it was built on.
    pub(crate) parent: Option<Digest>,
}

/// All images of the archive that fit this machine. `manifest.json` is preferred, as in dockerd.
pub(crate) fn images(archive: &Archive) -> Result<Vec<Planned>, LoadError> {
    let planned = if archive.has(DOCKER_MANIFEST) {
        docker_images(archive)?
    } else if archive.has(OCI_INDEX) {
        oci_images(archive)?
    } else {
        return Err(LoadError::NotAnImage);
    };
    if planned.is_empty() {
        Err(LoadError::NotAnImage)
    } else {
        Ok(planned)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

fn docker_images(archive: &Archive) -> Result<Vec<Planned>, LoadError> {
    let entries: Vec<DockerEntry> = json(archive, DOCKER_MANIFEST, None)?;
    limit(entries.len(), MAX_IMAGES, "images")?;
    entries
        .into_iter()
        .map(|entry| docker_image(archive, entry))
        .collect()
}

fn docker_image(archive: &Archive, entry: DockerEntry) -> Result<Planned, LoadError> {
    let names = entry.layers.unwrap_or_default();
    limit(names.len(), MAX_LAYERS, "layers")?;
    let raw_config = blob(archive, &entry.config, named_digest(&entry.config))?;
    let layers = names
        .iter()
        .map(|name| layer(archive, name, named_digest(name)));
    let layers = layers.collect::<Result<_, _>>()?;
    let mut refs = Vec::new();
    for tag in entry.repo_tags.unwrap_or_default() {
        match ImageRef::parse(&tag) {
            Ok(reference) if reference.tag().is_some() => refs.push(reference),
            Ok(_) => {}
            Err(source) => return Err(LoadError::Tag { tag, source }),
        }
    }
    verified(&entry.config, raw_config, layers, refs)
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Clone, Default, Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
}

#[derive(Deserialize)]
struct OciIndex {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct OciManifest {
    config: Descriptor,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
}

fn oci_images(archive: &Archive) -> Result<Vec<Planned>, LoadError> {
    let index: OciIndex = json(archive, OCI_INDEX, None)?;
    let descriptors = index.manifests.unwrap_or_default();
    limit(descriptors.len(), MAX_IMAGES, "images")?;
    let mut planned: Vec<Planned> = Vec::new();
    let mut is_foreign = false;
    for descriptor in &descriptors {
        if !fits(descriptor) {
            is_foreign = true;
            continue;
        }
        let Some(manifest) = pick(archive, descriptor.clone(), MAX_NESTING)? else {
            is_foreign = true;
            continue;
        };
        let mut image = oci_image(archive, &manifest)?;
        image.refs.extend(reference_of(descriptor)?);
        match planned.iter_mut().find(|known| known.id == image.id) {
            Some(known) => known.refs.append(&mut image.refs),
            None => planned.push(image),
        }
    }
    if planned.is_empty() && is_foreign {
        return Err(LoadError::Platform(format!(
            "linux/{}",
            host_architecture()
        )));
    }
    Ok(planned)
}

/// Goes down nested indexes to the manifest for this machine.
fn pick(
    archive: &Archive,
    descriptor: Descriptor,
    nesting: usize,
) -> Result<Option<Descriptor>, LoadError> {
    if !is_index(&descriptor.media_type) {
        return Ok(Some(descriptor));
    }
    if nesting == 0 {
        return Err(LoadError::TooMany("nested indexes"));
    }
    let index: OciIndex = json(
        archive,
        &blob_name(&descriptor.digest),
        Some(descriptor.digest),
    )?;
    let manifests = index.manifests.unwrap_or_default();
    limit(manifests.len(), MAX_IMAGES, "manifests")?;
    for inner in manifests.into_iter().filter(fits) {
        // Archives of one platform keep the index of all, without the others' contents.
        if archive.has(&blob_name(&inner.digest))
            && let Some(found) = pick(archive, inner, nesting - 1)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn oci_image(archive: &Archive, descriptor: &Descriptor) -> Result<Planned, LoadError> {
    let manifest: OciManifest = json(
        archive,
        &blob_name(&descriptor.digest),
        Some(descriptor.digest),
    )?;
    let descriptors = manifest.layers.unwrap_or_default();
    limit(descriptors.len(), MAX_LAYERS, "layers")?;
    let name = blob_name(&manifest.config.digest);
    let raw_config = blob(archive, &name, Some(manifest.config.digest))?;
    let layers = descriptors
        .iter()
        .map(|d| layer(archive, &blob_name(&d.digest), Some(d.digest)));
    verified(
        &name,
        raw_config,
        layers.collect::<Result<_, _>>()?,
        Vec::new(),
    )
}

/// The full name that containerd notes, or the reference of the specification if it is a whole one
/// (a tag alone names no repository).
fn reference_of(descriptor: &Descriptor) -> Result<Option<ImageRef>, LoadError> {
    let annotations = descriptor.annotations.as_ref();
    let annotation = |key: &str| {
        annotations
            .and_then(|a| a.get(key))
            .filter(|v| !v.is_empty())
    };
    let is_whole = |text: &&String| text.contains([':', '/']);
    let text = annotation("io.containerd.image.name")
        .or_else(|| annotation("org.opencontainers.image.ref.name").filter(is_whole));
    let Some(text) = text else { return Ok(None) };
    let reference = ImageRef::parse(text).map_err(|source| LoadError::Tag {
        tag: text.clone(),
        source,
    })?;
    Ok(reference.tag().is_some().then_some(reference))
}

/// Checks that configuration and layers belong together.
fn verified(
    name: &str,
    raw_config: Vec<u8>,
    layers: Vec<LayerMember>,
    refs: Vec<ImageRef>,
) -> Result<Planned, LoadError> {
    let id = crate::layer::digest_of(&raw_config);
    let config = ImageConfig::parse(&raw_config).map_err(|source| LoadError::Json {
        name: name.to_owned(),
        source,
    })?;
    if !matches!(config.os.as_str(), "" | "linux") {
        return Err(LoadError::OperatingSystem(config.os));
    }
    let diff_ids = &config.rootfs.diff_ids;
    if diff_ids.len() != layers.len() {
        return Err(LoadError::LayerCount {
            expected: diff_ids.len(),
            actual: layers.len(),
        });
    }
    for (position, (expected, layer)) in diff_ids.iter().zip(&layers).enumerate() {
        if *expected != layer.diff_id {
            let name = format!("layer {position}");
            let (expected, actual) = (*expected, layer.diff_id);
            return Err(LoadError::DigestMismatch {
                name,
                expected,
                actual,
            });
        }
    }
    Ok(Planned {
        id,
        raw_config,
        layers,
        refs,
        parent: None,
    })
}

fn layer(
    archive: &Archive,
    name: &str,
    expected: Option<Digest>,
) -> Result<LayerMember, LoadError> {
    match archive.get(name)? {
        Member::Layer(layer) => {
            check(name, expected, layer.blob)?;
            Ok(layer.clone())
        }
        Member::Failed(error) => Err(error.again().into()),
        Member::Blob { .. } | Member::TooLarge => {
            Err(crate::error::LayerError::Tar("a layer is no tar archive").into())
        }
    }
}

fn blob(archive: &Archive, name: &str, expected: Option<Digest>) -> Result<Vec<u8>, LoadError> {
    match archive.get(name)? {
        Member::Blob { bytes, digest } => {
            check(name, expected, *digest)?;
            Ok(bytes.clone())
        }
        Member::TooLarge => Err(LoadError::TooLarge {
            name: name.to_owned(),
            limit: MAX_METADATA,
        }),
        Member::Failed(_) | Member::Layer(_) => Err(LoadError::NotMetadata(name.to_owned())),
    }
}

fn json<T: DeserializeOwned>(
    archive: &Archive,
    name: &str,
    expected: Option<Digest>,
) -> Result<T, LoadError> {
    let bytes = blob(archive, name, expected)?;
    serde_json::from_slice(&bytes).map_err(|source| LoadError::Json {
        name: name.to_owned(),
        source,
    })
}

fn check(name: &str, expected: Option<Digest>, actual: Digest) -> Result<(), LoadError> {
    match expected {
        Some(expected) if expected != actual => Err(LoadError::DigestMismatch {
            name: name.to_owned(),
            expected,
            actual,
        }),
        Some(_) | None => Ok(()),
    }
}

fn limit(count: usize, most: usize, what: &'static str) -> Result<(), LoadError> {
    if count > most {
        Err(LoadError::TooMany(what))
    } else {
        Ok(())
    }
}

/// Names in the blob store are digests, and are held to it wherever they are used.
fn named_digest(name: &str) -> Option<Digest> {
    Digest::from_hex(name.strip_prefix("blobs/sha256/")?).ok()
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// No platform means "see the configuration"; attestations are for platform `unknown`.
fn fits(descriptor: &Descriptor) -> bool {
    descriptor.platform.as_ref().is_none_or(|platform| {
        matches!(platform.os.as_str(), "" | "linux")
            && (platform.architecture.is_empty() || platform.architecture == host_architecture())
    })
}

fn is_index(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json"
    )
}

const DOCKER_MANIFEST: &str = "manifest.json";
const OCI_INDEX: &str = "index.json";
/// What all configurations and manifests of one archive may take in memory: an archive of a
/// thousand images with long histories stays below it.
pub(crate) const MAX_METADATA: u64 = 64 * 1024 * 1024;
const MAX_IMAGES: usize = 10_000;
/// Overlayfs takes 500 lower directories; no engine makes images with more than 127.
const MAX_LAYERS: usize = 500;
/// An index in an index in an index is more than any tool writes.
const MAX_NESTING: usize = 4;
