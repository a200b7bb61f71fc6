//! Writable layers of containers.

use std::fs;

use lockgate_store::{SnapshotError, Store};
use lockgate_types::ContainerId;

use crate::support::{Member, docker_archive, load, sha256, tar, wait_until_empty};

#[test]
fn a_snapshot_stacks_layers_topmost_first_and_each_once() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let (a, b) = (
        tar(&[Member::file("a", "a")]),
        tar(&[Member::file("b", "b")]),
    );
    let layers = [a.clone(), b.clone(), a.clone()];
    let image = load(&store, &docker_archive(&["x:1"], &layers)).unwrap()[0].id;
    let id = ContainerId::random();
    let snapshot = store.snapshot_create(&id, Some(&image)).unwrap();
    assert_eq!(
        snapshot.lower,
        [store.layer_path(&sha256(&a)), store.layer_path(&sha256(&b))]
    );
    assert!(snapshot.upper.is_dir() && snapshot.work.is_dir());
    assert_eq!(store.snapshot(&id).unwrap(), snapshot);
    assert!(matches!(
        store.snapshot_create(&id, None),
        Err(SnapshotError::Exists(_))
    ));
    fs::write(snapshot.upper.join("new"), "12345").unwrap();
    assert_eq!(store.snapshot_size(&id).unwrap(), 5);
}

#[test]
fn an_opaque_root_ends_the_stack() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let (a, b) = (
        tar(&[Member::file("a", "a")]),
        tar(&[Member::file(".wh..wh..opq", "")]),
    );
    let image = load(&store, &docker_archive(&["x:1"], &[a, b.clone()])).unwrap()[0].id;
    let snapshot = store
        .snapshot_create(&ContainerId::random(), Some(&image))
        .unwrap();
    assert_eq!(snapshot.lower, [store.layer_path(&sha256(&b))]);
}

#[test]
fn layers_stay_while_a_container_needs_them() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let layer = tar(&[Member::file("a", "a")]);
    let image = load(
        &store,
        &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
    )
    .unwrap()[0]
        .id;
    let id = ContainerId::random();
    store.snapshot_create(&id, Some(&image)).unwrap();
    store.remove(&image).unwrap();
    let path = store.layer_path(&sha256(&layer));
    assert!(path.exists());
    drop(store);
    let store = Store::open(root.path()).unwrap();
    assert_eq!(store.snapshots(), std::slice::from_ref(&id));
    assert_eq!(
        store.snapshot(&id).unwrap().lower,
        std::slice::from_ref(&path)
    );
    store.snapshot_remove(&id).unwrap();
    assert!(!path.exists());
    assert!(store.snapshot_remove(&id).is_err());
    wait_until_empty(root.path());
}

#[test]
fn a_container_without_image_has_an_empty_lower_layer() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let snapshot = store.snapshot_create(&ContainerId::random(), None).unwrap();
    assert_eq!(fs::read_dir(&snapshot.lower[0]).unwrap().count(), 0);
}

#[test]
fn what_is_no_writable_layer_does_not_keep_the_store_from_opening() {
    let root = tempfile::tempdir().unwrap();
    drop(Store::open(root.path()).unwrap());
    let strange = root
        .path()
        .join("overlay")
        .join(ContainerId::random().as_str());
    fs::create_dir_all(&strange).unwrap();
    fs::write(root.path().join("overlay/file"), "x").unwrap();
    let store = Store::open(root.path()).unwrap();
    assert!(strange.exists());
    assert!(store.snapshots().is_empty());
}
