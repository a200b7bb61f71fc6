//! Tags, resolution, removal, import, reopening.

use lockgate_store::{ImportOptions, ResolveError, Store};
use lockgate_types::ImageRef;

use crate::support::{Member, docker_archive, durable_tree, load, sha256, tar, wait_until_empty};

fn layer(name: &str) -> Vec<u8> {
    tar(&[Member::file(name, name)])
}

fn reference(text: &str) -> ImageRef {
    ImageRef::parse(text).unwrap()
}

#[test]
fn images_are_found_by_tag_id_prefix_and_digest() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let id = load(&store, &docker_archive(&["app:1"], &[layer("a")])).unwrap()[0].id;
    let hex = id.hex();
    let digest = format!("app@{id}");
    for text in [
        "app:1",
        "docker.io/library/app:1",
        &hex,
        &id.to_string(),
        &hex[..12],
        &hex[..2],
        &digest,
    ] {
        assert_eq!(store.resolve(text).unwrap().id, id, "{text}");
    }
    let missing = store.resolve("nope").unwrap_err();
    assert_eq!(missing.to_string(), "No such image: nope:latest");
    store.resolve("app").unwrap_err();
    store.resolve(&format!("other@{id}")).unwrap_err();
    assert!(matches!(
        store.resolve("UPPER"),
        Err(ResolveError::Reference(_))
    ));
}

#[test]
fn an_id_prefix_of_several_images_is_ambiguous() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    for n in 0..17 {
        load(&store, &docker_archive(&[], &[layer(&format!("f{n}"))])).unwrap();
    }
    let prefixes: Vec<String> = store
        .images()
        .iter()
        .map(|i| i.id.hex()[..1].to_owned())
        .collect();
    let twice = prefixes
        .iter()
        .find(|p| prefixes.iter().filter(|q| q == p).count() > 1)
        .unwrap();
    assert!(matches!(
        store.resolve(twice),
        Err(ResolveError::Ambiguous(_))
    ));
}

#[test]
fn tags_move_and_survive_reopening() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let old = load(&store, &docker_archive(&["app:1"], &[layer("a")])).unwrap()[0].id;
    let loaded = load(&store, &docker_archive(&["app:1"], &[layer("b")])).unwrap();
    let new = loaded[0].id;
    assert_eq!(loaded[0].replaced, [(reference("app:1"), old)]);
    assert!(store.refs_of(&old).is_empty());
    store.tag(&old, &reference("kept:old")).unwrap();
    assert_eq!(store.untag(&reference("app:1")).unwrap(), Some(new));
    assert_eq!(store.untag(&reference("app:1")).unwrap(), None);
    drop(store);
    let store = Store::open(root.path()).unwrap();
    assert_eq!(store.images().len(), 2);
    assert_eq!(store.references(), [(reference("kept:old"), old)]);
    assert!(store.image(&old).unwrap().last_tag_time.is_some());
}

#[test]
fn removal_takes_only_what_nobody_else_needs() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let (base, a, b) = (layer("base"), layer("aa"), layer("bbb"));
    let first = load(
        &store,
        &docker_archive(&["a:1", "a:2"], &[base.clone(), a.clone()]),
    )
    .unwrap();
    let second = load(&store, &docker_archive(&["b:1"], &[base.clone(), b])).unwrap();
    assert_eq!(store.usage().layers, 4 + 2 + 3);
    assert_eq!(store.shared_size(&store.image(&first[0].id).unwrap()), 4);
    let chains = store.image(&first[0].id).unwrap().chain_ids();
    let removed = store.remove(&first[0].id).unwrap();
    assert_eq!(removed.untagged, [reference("a:1"), reference("a:2")]);
    assert_eq!(removed.deleted, [first[0].id, chains[1]]);
    assert_eq!(removed.reclaimed, 2);
    assert!(!store.layer_path(&sha256(&a)).exists());
    assert!(store.layer_path(&sha256(&base)).exists());
    store.remove(&second[0].id).unwrap();
    wait_until_empty(root.path());
    let left: Vec<String> = durable_tree(root.path()).into_keys().collect();
    assert!(
        !left
            .iter()
            .any(|path| path.starts_with("layers/") && path.len() > 7),
        "{left:?}"
    );
    store.remove(&second[0].id).unwrap_err();
}

#[test]
fn import_makes_an_image_of_a_root_file_system() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let mut options = ImportOptions {
        message: "hello".to_owned(),
        ..ImportOptions::default()
    };
    options.config.cmd = Some(vec!["sh".to_owned()]);
    options.reference = Some(reference("imported:1"));
    let loaded = store.import(layer("f").as_slice(), options).unwrap();
    let image = store.resolve("imported:1").unwrap();
    assert_eq!(image.id, loaded.id);
    assert_eq!(image.id, sha256(&image.raw_config));
    assert_eq!(image.config.config.cmd, Some(vec!["sh".to_owned()]));
    assert_eq!(image.config.history[0].comment, "hello");
    assert_eq!(image.layers, [sha256(&layer("f"))]);
    let error = store.import(&[][..], ImportOptions::default()).unwrap_err();
    assert!(error.to_string().contains("nothing in it"), "{error}");
}

#[test]
fn a_damaged_configuration_costs_one_image_and_no_layers() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let bad = load(&store, &docker_archive(&["bad:1"], &[layer("a")])).unwrap()[0].id;
    let good = load(&store, &docker_archive(&["good:1"], &[layer("b")])).unwrap()[0].id;
    drop(store);
    let path = root.path().join(format!("images/{}.json", bad.hex()));
    std::fs::write(&path, "{}").unwrap();
    let store = Store::open(root.path()).unwrap();
    assert_eq!(
        store.images().iter().map(|i| i.id).collect::<Vec<_>>(),
        [good]
    );
    assert!(path.exists());
    assert!(store.layer_path(&sha256(&layer("a"))).exists());
}

#[test]
fn a_newer_schema_is_refused() {
    let root = tempfile::tempdir().unwrap();
    drop(Store::open(root.path()).unwrap());
    let path = root.path().join("store.json");
    std::fs::write(&path, r#"{"schema": 99, "data": {}}"#).unwrap();
    let error = Store::open(root.path()).unwrap_err();
    assert!(error.to_string().contains("schema 99"), "{error}");
}
