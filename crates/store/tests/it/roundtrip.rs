//! What goes in comes out, byte for byte, and other tools read it.

use std::io::Write as _;
use std::process::Command;

use lockgate_store::{LoadProgress, SaveItem, Store};
use lockgate_types::{Digest, ImageRef};
use serde_json::json;

use crate::support::{Member, config, docker_archive, load, sha256, tar};

/// A layer with everything that makes reassembly hard.
fn hard_layer() -> Vec<u8> {
    let mut garbage = tar(&[
        Member::dir("bin/"),
        Member::file("bin/a", "x".repeat(70_000)),
        Member::file("empty", ""),
        Member::hard_link("bin/b", "bin/a"),
        Member::symlink("link", "bin"),
        Member::file("link/through", "through a link"),
        Member::file("twice", "first contents"),
        Member::file("twice", "second"),
        Member::dir("gone"),
        Member::file("gone/x", "contents of a removed directory"),
        Member::hard_link("gone/y", "gone/x"),
        Member::file("gone", "now a file"),
        Member::file("bin/a", "replaced, but linked from bin/b"),
        Member::file(".wh.white", "whiteouts may have contents"),
        Member::dir("odd").attribute("user.x", b"\n"),
        Member::device("null", b'3', 1, 3),
        Member::symlink("link", "elsewhere"),
    ]);
    garbage.extend_from_slice(&[7; 999]);
    garbage
}

pub(crate) fn saved(store: &Store, items: &[SaveItem]) -> Vec<u8> {
    let mut archive = Vec::new();
    store.save(items, &mut archive).unwrap();
    archive
}

pub(crate) fn everything(store: &Store) -> Vec<SaveItem> {
    let images = store.images();
    images
        .iter()
        .map(|i| SaveItem {
            image: i.id,
            refs: store.refs_of(&i.id),
        })
        .collect()
}

fn reference(text: &str) -> ImageRef {
    ImageRef::parse(text).unwrap()
}

#[test]
fn load_save_load_gives_the_same_images_and_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (
        Store::open(first.path()).unwrap(),
        Store::open(second.path()).unwrap(),
    );
    let layers = [hard_layer(), tar(&[Member::file("top", "y")]), tar(&[])];
    let loaded = load(
        &first,
        &docker_archive(&["app:1", "host:5000/b/app:2"], &layers),
    )
    .unwrap();
    let archive = saved(&first, &everything(&first));
    let again = load(&second, &archive).unwrap();
    assert_eq!(again[0].id, loaded[0].id);
    let images = (first.images(), second.images());
    assert_eq!(images.0[0].raw_config, images.1[0].raw_config);
    assert_eq!(images.0[0].layers, images.1[0].layers);
    assert_eq!(images.0[0].size, images.1[0].size);
    assert_eq!(
        second.refs_of(&again[0].id),
        [reference("app:1"), reference("host:5000/b/app:2")]
    );
    assert_eq!(saved(&second, &everything(&second)), archive);
    for layer in &layers {
        assert!(archive.windows(layer.len()).any(|window| window == layer));
    }
}

#[test]
fn a_damaged_layer_is_noticed_while_it_is_saved() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let layer = tar(&[Member::file("f", "good")]);
    load(
        &store,
        &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
    )
    .unwrap();
    for contents in ["evil", "longer than before"] {
        std::fs::write(store.layer_path(&sha256(&layer)).join("f"), contents).unwrap();
        let error = store
            .save(&everything(&store), std::io::sink())
            .unwrap_err();
        assert!(error.to_string().contains("damaged on disk"), "{error}");
    }
}

/// An OCI layout of one image, layers compressed with `compress`.
fn oci_archive(compress: fn(&[u8]) -> Vec<u8>, name: &str, layer: &[u8]) -> Vec<u8> {
    let config = config(&[sha256(layer)]);
    let blob = compress(layer);
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(&config), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": sha256(&blob), "size": blob.len()}],
    })
    .to_string();
    let attestation = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(b"a"),
        "size": 1, "platform": {"architecture": "unknown", "os": "unknown"}});
    let descriptor = |architecture: &str, digest: Digest| {
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
            "platform": {"architecture": architecture, "os": "linux"}})
    };
    let nested = json!({"schemaVersion": 2, "manifests": [
        attestation, descriptor("s390x", sha256(b"b")), descriptor("amd64", sha256(manifest.as_bytes())),
    ]})
    .to_string();
    let index = json!({"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.index.v1+json", "digest": sha256(nested.as_bytes()), "size": nested.len(),
        "annotations": {"org.opencontainers.image.ref.name": name},
    }]})
    .to_string();
    let blob_name = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    tar(&[
        Member::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
        Member::file("index.json", &index),
        Member::file(&blob_name(nested.as_bytes()), &nested),
        Member::file(&blob_name(manifest.as_bytes()), &manifest),
        Member::file(&blob_name(&config), &config),
        Member::file(&blob_name(&blob), &blob),
    ])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Two members, as parallel compressors write them.
    let mut output = Vec::new();
    for part in bytes.chunks(bytes.len() / 2 + 1) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        output.extend(encoder.finish().unwrap());
    }
    output
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    // Two streams, as parallel compressors write them.
    let mut output = Vec::new();
    for part in bytes.chunks(bytes.len() / 2 + 1) {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(part).unwrap();
        output.extend(encoder.finish().unwrap());
    }
    output
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    for part in bytes.chunks(bytes.len() / 2 + 1) {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        encoder.write_all(part).unwrap();
        output.extend(encoder.finish().unwrap());
    }
    output
}

#[test]
fn oci_layouts_with_nested_indexes_and_compressed_layers_are_loaded() {
    let layer = hard_layer();
    for compress in [bzip2, gzip, xz, zstd, <[u8]>::to_vec] {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let loaded = load(&store, &oci_archive(compress, "app:3", &layer)).unwrap();
        assert_eq!(loaded[0].refs, [reference("app:3")]);
        assert_eq!(store.image(&loaded[0].id).unwrap().layers, [sha256(&layer)]);
    }
}

#[test]
fn layers_without_end_mark_and_layers_of_many_chunks_are_read() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let mut bare = tar(&[Member::file("f", "x")]);
    bare.truncate(1024);
    let exact = tar(&[Member::file("g", vec![7; (1 << 20) - 512 - 1024])]);
    assert_eq!(exact.len() % (256 * 1024), 0);
    let large = tar(&[
        Member::file("h", vec![8; 3_333_333]),
        Member::file("i", "x"),
    ]);
    let layers = [bare, exact, large];
    load(&store, &docker_archive(&["x:1"], &layers)).unwrap();
    let archive = saved(&store, &everything(&store));
    for layer in &layers {
        assert!(archive.windows(layer.len()).any(|window| window == layer));
    }
}

#[test]
fn a_tag_alone_names_no_repository() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let loaded = load(&store, &oci_archive(gzip, "latest", &hard_layer())).unwrap();
    assert!(loaded[0].refs.is_empty());
}

#[test]
fn archives_may_be_compressed_as_a_whole() {
    let archive = docker_archive(&["x:1"], &[hard_layer()]);
    for compress in [bzip2, gzip, xz, zstd] {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        assert_eq!(load(&store, &compress(&archive)).unwrap().len(), 1);
    }
}

#[test]
fn members_may_come_in_any_order_and_layers_may_be_links() {
    let layer = tar(&[Member::file("f", "x")]);
    let config = config(&[sha256(&layer), sha256(&layer)]);
    let manifest = json!([{"Config": "c.json", "RepoTags": null,
        "Layers": ["aa/layer.tar", "bb/layer.tar"]}]);
    let members = [
        Member::file("manifest.json", manifest.to_string()),
        Member::symlink("bb/layer.tar", "../aa/layer.tar"),
        Member::file("c.json", &config),
        Member::file("aa/layer.tar", &layer),
    ];
    for turn in 0..members.len() {
        let mut members = members.to_vec();
        members.rotate_left(turn);
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let loaded = load(&store, &tar(&members)).unwrap();
        assert_eq!(store.image(&loaded[0].id).unwrap().layers.len(), 2);
        assert_eq!(
            std::fs::read_dir(root.path().join("layers"))
                .unwrap()
                .count(),
            1
        );
    }
}

#[test]
fn progress_is_told_and_layers_that_are_here_are_read_over() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let big = tar(&[Member::file("big", vec![1; 3 << 20])]);
    load(&store, &docker_archive(&["x:1"], &[big])).unwrap();
    let archive = saved(&store, &everything(&store));
    let mut stages = Vec::new();
    let mut last = None;
    store
        .load(archive.as_slice(), &mut |progress| match progress {
            LoadProgress::Layer { current, total, .. } => last = Some((current, total)),
            LoadProgress::Stage(stage) => stages.push(stage),
        })
        .unwrap();
    assert_eq!(stages.len(), 5);
    let (current, total) = last.unwrap();
    assert_eq!(current, total);
    assert_eq!(store.images().len(), 1);
}

#[test]
fn skopeo_reads_what_is_saved_and_writes_what_is_loaded() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(&root.path().join("data")).unwrap();
    let layers = [hard_layer(), tar(&[Member::file("top", "y")])];
    let id = load(&store, &docker_archive(&["app:1"], &layers)).unwrap()[0].id;
    let path = root.path().join("saved.tar");
    store
        .save(&everything(&store), std::fs::File::create(&path).unwrap())
        .unwrap();
    let skopeo = |arguments: &[&str]| {
        let output = Command::new("skopeo").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    let saved = path.display();
    let config = skopeo(&[
        "inspect",
        "--raw",
        "--config",
        &format!("docker-archive:{saved}"),
    ]);
    assert_eq!(config, store.image(&id).unwrap().raw_config);
    for (kind, name) in [
        ("docker-archive", "again.tar:app:2"),
        ("oci-archive", "oci.tar:app:3"),
    ] {
        let target = format!("{kind}:{}/{name}", root.path().display());
        let policy = "--insecure-policy";
        skopeo(&[
            policy,
            "copy",
            "-q",
            &format!("docker-archive:{saved}"),
            &target,
        ]);
        let file = root.path().join(name.split(':').next().unwrap());
        let fresh = Store::open(&root.path().join(kind)).unwrap();
        let loaded = load(&fresh, &std::fs::read(file).unwrap()).unwrap();
        assert_eq!(
            fresh.image(&loaded[0].id).unwrap().layers,
            store.image(&id).unwrap().layers
        );
        assert_eq!(loaded[0].refs.len(), 1);
    }
}
