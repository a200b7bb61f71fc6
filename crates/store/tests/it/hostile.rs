//! T-archive: archives that lie. Each is refused with a clear text, and the store's tree and the
//! world around it are as before.

use std::fs;
use std::path::Path;

use lockgate_store::{LoadError, Store};
use lockgate_types::ErrorKind;
use serde_json::json;

use crate::support::{
    Member, config, docker_archive, docker_archive_with, durable_tree, load, sha256, tar, tree,
    wait_until_empty,
};

/// Loads into a store that has an image already, beside a canary; says what was answered.
fn refused(archive: &[u8]) -> LoadError {
    let root = tempfile::tempdir().unwrap();
    let canary = root.path().join("canary");
    fs::create_dir(&canary).unwrap();
    fs::write(canary.join("file"), "alive").unwrap();
    let data = root.path().join("data");
    let store = Store::open(&data).unwrap();
    let good = docker_archive(&["good:1"], &[tar(&[Member::file("good", "x")])]);
    load(&store, &good).unwrap();
    let before = (durable_tree(&data), tree(&canary));
    let error = load(&store, archive).expect_err("a hostile archive was loaded");
    assert_eq!((durable_tree(&data), tree(&canary)), before, "{error}");
    wait_until_empty(&data);
    assert_eq!(store.images().len(), 1);
    fs::symlink_metadata("/lockgate-canary").unwrap_err();
    error
}

fn layer_refused(members: &[Member], text: &str) {
    let error = refused(&docker_archive(&["bad:1"], &[tar(members)]));
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

fn refused_with(archive: &[u8], text: &str) {
    let error = refused(archive);
    assert!(error.to_string().contains(text), "{error}");
}

// T: archive-paths
#[test]
fn refuses_names_that_climb() {
    for name in [
        "../lockgate-canary",
        "a/../../lockgate-canary",
        "..",
        "/../lockgate-canary",
    ] {
        layer_refused(&[Member::file(name, "x")], "`..` component");
        layer_refused(&[Member::dir(name)], "`..` component");
        layer_refused(&[Member::symlink(name, "x")], "`..` component");
    }
    let mut pax = Member::file("innocent", "x");
    pax.pax
        .push(("path".to_owned(), b"../lockgate-canary".to_vec()));
    layer_refused(&[pax], "`..` component");
}

// T: archive-paths
#[test]
fn refuses_hard_links_out_of_the_layer() {
    layer_refused(
        &[Member::hard_link("a", "../../canary/file")],
        "`..` component",
    );
    layer_refused(
        &[Member::hard_link("a", "/etc/passwd")],
        "hard link's target",
    );
    layer_refused(
        &[
            Member::symlink("out", "/etc"),
            Member::hard_link("a", "out/passwd"),
        ],
        "hard link's target",
    );
    layer_refused(
        &[Member::dir("d"), Member::hard_link("a", "d")],
        "hard link's target",
    );
    layer_refused(
        &[Member::file(".wh.w", ""), Member::hard_link("a", "w")],
        "hard link's target",
    );
}

#[test]
fn refuses_files_below_links_that_lead_nowhere_inside() {
    layer_refused(
        &[
            Member::symlink("out", "/nonexistent"),
            Member::file("out/x", "x"),
        ],
        "parent is no directory",
    );
    layer_refused(
        &[Member::file("f", ""), Member::file("f/x", "x")],
        "parent is no directory",
    );
    layer_refused(
        &[Member::symlink("loop", "loop"), Member::file("loop/x", "x")],
        "parent is no directory",
    );
}

#[test]
fn links_are_followed_inside_the_layer_only() {
    let root = tempfile::tempdir().unwrap();
    let canary = root.path().join("canary");
    fs::create_dir(&canary).unwrap();
    let target = canary.to_str().unwrap();
    let data = root.path().join("data");
    let store = Store::open(&data).unwrap();
    let layer = tar(&[
        Member::dir("etc"),
        Member::symlink("abs", "/etc"),
        Member::file("abs/lockgate-canary", "abs"),
        Member::symlink("up", "../../../../../../../../../etc"),
        Member::file("up/second", "up"),
        Member::dir(target.trim_start_matches('/')),
        Member::symlink("canary", target),
        Member::file("canary/third", "canary"),
    ]);
    load(
        &store,
        &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
    )
    .unwrap();
    let diff = store.layer_path(&sha256(&layer));
    assert_eq!(fs::read(diff.join("etc/lockgate-canary")).unwrap(), b"abs");
    assert_eq!(fs::read(diff.join("etc/second")).unwrap(), b"up");
    assert!(!Path::new("/etc/lockgate-canary").exists());
    assert_eq!(fs::read_dir(&canary).unwrap().count(), 0);
    let inside = diff.join(target.trim_start_matches('/')).join("third");
    assert_eq!(fs::read(inside).unwrap(), b"canary");
}

#[test]
fn refuses_device_and_attribute_tricks_on_the_overlay() {
    layer_refused(&[Member::device("w", b'3', 0, 0)], "reserved for whiteouts");
    for name in [
        "trusted.overlay.opaque",
        "trusted.overlay.redirect",
        "trusted.overlay.metacopy",
    ] {
        layer_refused(
            &[Member::file("f", "").attribute(name, b"y")],
            "trusted.overlay.*",
        );
        layer_refused(
            &[Member::dir("d").attribute(name, b"/etc")],
            "trusted.overlay.*",
        );
        layer_refused(
            &[Member::dir("./").attribute(name, b"/etc")],
            "trusted.overlay.*",
        );
    }
}

#[test]
fn refuses_whiteouts_of_nothing() {
    for name in [".wh.", "a/.wh.", ".wh..", ".wh..."] {
        layer_refused(&[Member::file(name, "")], "whiteout names no file");
    }
}

#[test]
fn refuses_maps_of_holes_that_lie() {
    let with = |data: &str, records: &[(&str, &str)]| {
        let mut member = Member::file("s", data);
        for (key, value) in records {
            let key = format!("GNU.sparse.{key}");
            member.pax.push((key, value.as_bytes().to_vec()));
        }
        member
    };
    layer_refused(&[Member::new("s", b'S')], "map is malformed");
    for map in [
        "0,4,2,4",
        "4,4,0,4",
        "0,8,8",
        "0,4",
        "0,9",
        "8,8",
        "0,x",
        "18446744073709551615,8",
    ] {
        let member = with("datadata", &[("map", map), ("size", "12")]);
        layer_refused(&[member], "map is malformed");
    }
    let huge = [("map", "0,4"), ("size", "18446744073709551615")];
    layer_refused(&[with("data", &huge)], "map is malformed");
    let miscounted = [("map", "0,4"), ("size", "9"), ("numblocks", "2")];
    layer_refused(&[with("data", &miscounted)], "map is malformed");
    layer_refused(&[with("data", &[("numbytes", "4")])], "map is malformed");
    let new = [("major", "1"), ("minor", "0"), ("realsize", "9")];
    let endless = "1\n".repeat(700_000);
    for map in [
        "",
        "9999999999\n",
        "1\n0\n",
        "x\n",
        &"7".repeat(2_000_000),
        &endless,
    ] {
        layer_refused(&[with(map, &new)], "map is malformed");
    }
    layer_refused(
        &[with("data", &[("major", "2"), ("minor", "0")])],
        "unknown version",
    );
    let mut link = with("", &[("map", "0,0"), ("major", "0"), ("minor", "1")]);
    link.kind = b'2';
    layer_refused(&[link], "map is malformed");
}

#[test]
fn refuses_strange_types() {
    for kind in [b'D', b'M', b'V', b'Z'] {
        layer_refused(&[Member::new("s", kind)], "unsupported type");
    }
    layer_refused(&[Member::file("/", "x")], "root must be a directory");
}

#[test]
fn refuses_names_beyond_the_limits() {
    layer_refused(
        &[Member::file(&"n".repeat(256), "")],
        "too long or too deep",
    );
    layer_refused(&[Member::dir(&"d/".repeat(257))], "too long or too deep");
    let mut extension = Member::file("f", "x");
    extension
        .pax
        .push(("path".to_owned(), vec![b'a'; 1024 * 1024 + 1]));
    layer_refused(&[extension], "extension header is too large");
}

#[test]
fn refuses_sizes_that_lie() {
    let mut beyond = Member::file("f", "x");
    beyond.pax.push(("size".to_owned(), b"9999999999".to_vec()));
    layer_refused(&[beyond], "truncated");
    let mut negative = Member::file("f", "x");
    negative.pax.push(("size".to_owned(), b"-1".to_vec()));
    layer_refused(&[negative], "PAX record is malformed");
    let mut huge = Member::file("f", "x");
    huge.size = Some(0o77_777_777_777);
    layer_refused(&[huge], "truncated");
}

#[test]
fn a_size_on_a_member_without_contents_hides_nothing() {
    // A reader that skips 512 bytes here sees another archive than one that does not.
    let mut liar = Member::symlink("link", "x");
    liar.size = Some(512);
    let layer = tar(&[liar, Member::file("seen", "x")]);
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    load(
        &store,
        &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
    )
    .unwrap();
    assert!(store.layer_path(&sha256(&layer)).join("seen").exists());
}

#[test]
fn refuses_truncated_and_damaged_streams() {
    let whole = docker_archive(&["x:1"], &[tar(&[Member::file("f", "x".repeat(3000))])]);
    for length in [0, 100, 512, 1000, 2000, 4000, 6000] {
        let error = refused(&whole[..length]);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{length}: {error}");
    }
    let mut damaged = whole;
    damaged[0] ^= 1;
    refused_with(&damaged, "checksum");
    refused_with(b"hello world, this is no archive", "truncated");
    refused_with(&[0; 10240], "not an image archive");
    for cut in [
        &b"BZh91AY&SY"[..],
        b"\xfd7zXZ\0\0\x04",
        b"\x28\xb5\x2f\xfd\x04",
    ] {
        refused_with(cut, "archive");
    }
    let mut layer = tar(&[Member::file("f", "x"), Member::file("g", "x")]);
    layer.drain(512 + 512..512 + 512 + 100);
    refused_with(&docker_archive(&["x:1"], &[layer]), "archive");
}

#[test]
fn garbage_after_the_end_is_part_of_the_layer_but_not_of_the_archive() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let mut layer = tar(&[Member::file("f", "x")]);
    layer.extend_from_slice(&[0xaa; 700]);
    let mut archive = docker_archive(&["x:1"], std::slice::from_ref(&layer));
    archive.extend_from_slice(b"garbage");
    load(&store, &archive).unwrap();
    assert_eq!(
        store.layer(&sha256(&layer)).unwrap().tar_size,
        layer.len() as u64
    );
}

#[test]
fn refuses_layers_that_are_not_what_the_configuration_says() {
    let layer = tar(&[Member::file("f", "x")]);
    let other = sha256(b"other");
    let archive = docker_archive_with(&["x:1"], std::slice::from_ref(&layer), &config(&[other]));
    refused_with(&archive, "digest mismatch");
    let archive = docker_archive_with(&["x:1"], &[layer], &config(&[]));
    refused_with(&archive, "layers length mismatch: expected 0, got 1");
}

#[test]
fn refuses_blobs_that_are_not_what_their_name_says() {
    let layer = tar(&[Member::file("f", "x")]);
    let config = config(&[sha256(&layer)]);
    let lie = format!("blobs/sha256/{}", sha256(b"lie").hex());
    let manifest = json!([{"Config": lie, "RepoTags": ["x:1"], "Layers": ["layer.tar"]}]);
    let archive = tar(&[
        Member::file(&lie, &config),
        Member::file("layer.tar", &layer),
        Member::file("manifest.json", manifest.to_string()),
    ]);
    refused_with(&archive, "digest mismatch");
}

#[test]
fn refuses_manifests_that_name_what_is_not_there() {
    let manifest = |config: &str, layer: &str| {
        json!([{"Config": config, "RepoTags": ["x:1"], "Layers": [layer]}]).to_string()
    };
    let layer = tar(&[Member::file("f", "x")]);
    let config = config(&[sha256(&layer)]);
    for (config_name, layer_name) in [("c", "absent"), ("absent", "l"), ("c", "../l2"), ("l", "c")]
    {
        let archive = tar(&[
            Member::file("c", &config),
            Member::file("l", &layer),
            Member::file("manifest.json", manifest(config_name, layer_name)),
        ]);
        let error = refused(&archive);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn refuses_link_loops_and_devices_in_the_archive_itself() {
    let manifest = json!([{"Config": "a", "RepoTags": [], "Layers": []}]).to_string();
    let archive = tar(&[
        Member::symlink("a", "b"),
        Member::symlink("b", "a"),
        Member::file("manifest.json", &manifest),
    ]);
    refused_with(&archive, "no member `a`");
    refused_with(&tar(&[Member::device("d", b'3', 1, 3)]), "unsupported type");
    refused_with(&tar(&[Member::file("../x", "x")]), "`..` component");
}

#[test]
fn refuses_duplicate_members_with_different_contents() {
    let archive = tar(&[
        Member::file("manifest.json", "[]"),
        Member::file("manifest.json", "[ ]"),
    ]);
    refused_with(&archive, "two members `manifest.json`");
}

#[test]
fn refuses_metadata_beyond_the_limit() {
    let mut large = vec![b' '; 64 * 1024 * 1024];
    large.extend_from_slice(b"[]");
    refused_with(
        &tar(&[Member::file("manifest.json", &large)]),
        "larger than the limit",
    );
}

#[test]
fn refuses_nested_json_bombs_and_wrong_shapes() {
    let bomb = "[".repeat(100_000);
    for text in [
        "{}",
        "[1]",
        "null",
        "",
        "[{}]",
        "[{\"Config\":1}]",
        bomb.as_str(),
    ] {
        let error = refused(&tar(&[Member::file("manifest.json", text)]));
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn refuses_images_for_other_systems_and_bad_tags() {
    let raw = br#"{"os":"windows","rootfs":{"type":"layers","diff_ids":[]}}"#;
    refused_with(
        &docker_archive_with(&["x:1"], &[], raw),
        "cannot load windows image",
    );
    refused_with(&docker_archive(&["UPPER:1"], &[]), "must be lowercase");
}

#[test]
fn duplicate_entries_in_a_layer_end_as_the_last_one() {
    let layer = tar(&[
        Member::file("a", "first"),
        Member::dir("d"),
        Member::file("d/x", "in d"),
        Member::symlink("a", "/etc/passwd"),
        Member::file("a", "third"),
        Member::file("d", "no longer a directory"),
    ]);
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    load(
        &store,
        &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
    )
    .unwrap();
    let diff = store.layer_path(&sha256(&layer));
    assert_eq!(fs::read(diff.join("a")).unwrap(), b"third");
    assert!(fs::metadata(diff.join("d")).unwrap().is_file());
}
