//! Any sequence of members: nothing outside the layer changes, and what was accepted comes back
//! byte for byte.

use std::fs;

use lockgate_store::{SaveItem, Store};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{Member, docker_archive, durable_tree, load, tar, tree};

/// Few names, so that members meet.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "c",
        ".wh.a",
        ".wh.b",
        ".wh..wh..opq",
        "..",
        ".",
        "",
    ]);
    vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        name().prop_map(|name| format!("/{name}")),
        name().prop_map(|name| format!("../../../{name}")),
        Just("/".to_owned()),
        Just("/etc/passwd".to_owned()),
        Just("../../../../canary".to_owned()),
    ]
}

pub(crate) fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        4 => (name(), "[a-z]{0,9}").prop_map(|(name, data)| Member::file(&name, data)),
        3 => name().prop_map(|name| Member::dir(&name)),
        3 => (name(), target()).prop_map(|(name, target)| Member::symlink(&name, &target)),
        2 => (name(), target()).prop_map(|(name, target)| Member::hard_link(&name, &target)),
        1 => (name(), 0..3_u32).prop_map(|(name, minor)| Member::device(&name, b'3', 1, minor)),
        1 => name().prop_map(|name| Member::new(&name, b'6')),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_members_escapes(members in vec(member(), 1..14)) {
        let root = tempfile::tempdir().unwrap();
        let canary = root.path().join("canary");
        fs::create_dir(&canary).unwrap();
        fs::write(canary.join("a"), "alive").unwrap();
        let data = root.path().join("data");
        let store = Store::open(&data).unwrap();
        let before = (tree(&canary), durable_tree(&data), fs::metadata("/etc/passwd").unwrap().modified().unwrap());
        let layer = tar(&members);
        let loaded = load(&store, &docker_archive(&["x:1"], std::slice::from_ref(&layer)));
        prop_assert_eq!(tree(&canary), before.0);
        prop_assert_eq!(fs::metadata("/etc/passwd").unwrap().modified().unwrap(), before.2);
        match loaded {
            Err(error) => {
                prop_assert_eq!(durable_tree(&data), before.1, "{}", error);
                prop_assert_eq!(error.kind(), lockgate_types::ErrorKind::InvalidInput, "{}", error);
            }
            Ok(loaded) => {
                let item = SaveItem { image: loaded[0].id, refs: Vec::new() };
                let mut archive = Vec::new();
                store.save(&[item], &mut archive).unwrap();
                let comes_back = archive.windows(layer.len()).any(|window| window == layer);
                prop_assert!(comes_back);
            }
        }
    }

    #[test]
    fn no_damaged_archive_panics_or_is_half_loaded(
        at in 0..9000_usize,
        flip in 1..=255_u8,
        cut in 0..9000_usize,
    ) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let before = durable_tree(root.path());
        let layer = tar(&[Member::file("a", "x".repeat(600)), Member::symlink("b", "a")]);
        let mut archive = docker_archive(&["x:1"], &[layer]);
        let length = archive.len();
        archive[at % length] ^= flip;
        archive.truncate(length - cut % length);
        if load(&store, &archive).is_err() {
            prop_assert_eq!(durable_tree(root.path()), before);
        } else {
            let reopened = store.images();
            prop_assert_eq!(reopened.len(), 1);
        }
    }
}
