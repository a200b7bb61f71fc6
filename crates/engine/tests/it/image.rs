//! Images: import, list, tag, save, load, remove, prune, and what is told of it.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use lockgate_engine::{
    DeletedImage, EventQuery, Filters, ImageListQuery, ImportImage, LoadMessage, RemoveImage,
};
use lockgate_testkit::busybox_layer;
use lockgate_types::{ErrorKind, Timestamp};

use crate::fixture::{Fixture, sh};

fn filters(pairs: &[(&str, &str)]) -> Filters {
    pairs.iter().copied().collect()
}

async fn events(fixture: &Fixture) -> Vec<(String, String)> {
    let query = EventQuery {
        since: Some(Timestamp::ZERO),
        until: Some(Timestamp::now()),
        filters: filters(&[("type", "image")]),
    };
    let mut stream = fixture.events().subscribe(query).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = stream.next().await {
        seen.push((event.action, event.attributes["name"].clone()));
    }
    seen
}

async fn import(fixture: &Fixture, repository: &str, changes: &[&str]) -> String {
    let import = ImportImage {
        repository: repository.to_owned(),
        changes: changes.iter().map(ToString::to_string).collect(),
        ..ImportImage::default()
    };
    let layer = Cursor::new(busybox_layer());
    fixture
        .images()
        .import(layer, import)
        .await
        .unwrap()
        .id
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_image_runs_as_its_changes_say() {
    let fixture = Fixture::new().await;
    let id = import(
        &fixture,
        "made:1",
        &["ENV A=b", "WORKDIR /tmp", "LABEL who=me"],
    )
    .await;
    let mut request = sh("echo $A; pwd");
    request.config.image = "made:1".to_owned();
    let container = fixture.run_with(request).await;
    fixture.wait(&container).await;
    assert_eq!(fixture.log(&container).await, "b\n/tmp\n");
    let image = fixture.images().inspect("made:1").unwrap();
    assert_eq!(
        (image.id.to_string(), image.comment.as_str()),
        (id.clone(), "Imported from -")
    );
    let history = fixture.images().history("made:1").unwrap();
    assert_eq!((history.len(), history[0].size), (1, image.size));
    assert_eq!(
        events(&fixture).await,
        [("tag".into(), "made:1".into()), ("import".into(), id)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_as_dockers_are() {
    let fixture = Fixture::new().await;
    import(&fixture, "made:1", &["LABEL who=me"]).await;
    import(&fixture, "", &[]).await;
    let images = fixture.images();
    let count = |pairs: &[(&str, &str)]| {
        let query = ImageListQuery {
            filters: filters(pairs),
            ..ImageListQuery::default()
        };
        images.list(&query).unwrap().len()
    };
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&[("dangling", "true")]), 1);
    assert_eq!(count(&[("dangling", "false")]), 2);
    assert_eq!(count(&[("reference", "busy*")]), 1);
    assert_eq!(count(&[("reference", "*:1")]), 1);
    assert_eq!(count(&[("label", "who=me")]), 1);
    assert_eq!(count(&[("label!", "who")]), 2);
    assert_eq!(count(&[("since", "busybox")]), 2);
    assert_eq!(count(&[("before", "made:1")]), 1);
    assert_eq!(count(&[("until", "1h")]), 1);
    let bad = ImageListQuery {
        filters: filters(&[("nope", "x")]),
        ..ImageListQuery::default()
    };
    assert_eq!(
        images.list(&bad).unwrap_err().to_string(),
        "invalid filter 'nope'"
    );
    let missing = images.inspect("nope").unwrap_err();
    assert_eq!(missing.to_string(), "No such image: nope:latest");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_can_be_loaded_again() {
    let fixture = Fixture::new().await;
    let images = fixture.images();
    images.tag("busybox", "host:5000/copy", "2").unwrap();
    let id = images.inspect("busybox").unwrap().id;
    let names = ["busybox".to_owned(), "host:5000/copy:2".to_owned()];
    let mut archive = Vec::new();
    images
        .prepare_save(&names)
        .unwrap()
        .write(&mut archive)
        .unwrap();
    images.prepare_save(&["nope".to_owned()]).unwrap_err();
    images
        .remove(
            &id.to_string(),
            RemoveImage {
                force: true,
                no_prune: false,
            },
        )
        .await
        .unwrap();
    assert_eq!(images.count(), 0);
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&said);
    let tell = move |message| listener.lock().unwrap().push(message);
    images.load(Cursor::new(archive), tell).await.unwrap();
    let said = said.lock().unwrap().clone();
    assert!(matches!(said[0], LoadMessage::Layer { .. }), "{said:?}");
    let lines: Vec<&str> = said
        .iter()
        .filter_map(|message| match message {
            LoadMessage::Text(text) => Some(text.as_str()),
            LoadMessage::Layer { .. } => None,
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Loaded image: busybox:latest\n",
            "Loaded image: host:5000/copy:2\n"
        ]
    );
    assert_eq!(images.inspect("host:5000/copy:2").unwrap().id, id);
    let actions: Vec<String> = events(&fixture)
        .await
        .into_iter()
        .map(|event| event.0)
        .collect();
    assert_eq!(actions, ["tag", "save", "untag", "untag", "delete", "load"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_fails_says_why_and_loads_nothing() {
    let fixture = Fixture::new().await;
    let images = fixture.images();
    let error = images
        .load(Cursor::new(b"not a tar".repeat(100)), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(images.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_use_is_not_removed() {
    let fixture = Fixture::new().await;
    let images = fixture.images();
    let container = fixture.run("sleep 100").await;
    let short = &container[..12];
    let id = images.inspect("busybox").unwrap().id.hex();
    let refused = images
        .remove("busybox", RemoveImage::default())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(
        refused.to_string(),
        format!(
            "conflict: unable to remove repository reference \"busybox\" (must force) - container {short} is using its referenced image {}",
            &id[..12]
        )
    );
    let force = RemoveImage {
        force: true,
        no_prune: false,
    };
    let refused = images.remove(&id, force).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "conflict: unable to delete {} (cannot be forced) - image is being used by running container {short}",
            &id[..12]
        )
    );
    images.tag("busybox", "second", "").unwrap();
    let untagged = images
        .remove("second", RemoveImage::default())
        .await
        .unwrap();
    assert_eq!(
        untagged,
        [DeletedImage::Untagged("second:latest".to_owned())]
    );
    let untagged = images.remove("busybox", force).await.unwrap();
    assert_eq!(
        untagged,
        [DeletedImage::Untagged("busybox:latest".to_owned())]
    );
    assert!(
        images
            .prune(Filters::default())
            .await
            .unwrap()
            .deleted
            .is_empty()
    );
    fixture.remove(&container).await;
    let pruned = images.prune(Filters::default()).await.unwrap();
    assert_eq!(pruned.deleted.len(), 2);
    assert!(pruned.reclaimed > 0);
    assert_eq!(images.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_several_names_needs_force() {
    let fixture = Fixture::new().await;
    let images = fixture.images();
    images.tag("busybox", "second", "").unwrap();
    let id = images.inspect("busybox").unwrap().id.hex();
    let refused = images
        .remove(&id, RemoveImage::default())
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
            &id[..12]
        )
    );
    let force = RemoveImage {
        force: true,
        no_prune: false,
    };
    let removed = images.remove(&id[..12], force).await.unwrap();
    assert_eq!(removed.len(), 4, "{removed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_follow_the_grammar() {
    let fixture = Fixture::new().await;
    let images = fixture.images();
    let refused = images.tag("busybox", "FOO", "").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "invalid reference format: repository name (library/FOO) must be lowercase"
    );
    let digest = format!("app@sha256:{}", "a".repeat(64));
    for repository in ["sha256", digest.as_str(), "", "a b"] {
        let refused = images.tag("busybox", repository, "").unwrap_err();
        assert_eq!(
            refused.kind(),
            ErrorKind::InvalidInput,
            "{repository}: {refused}"
        );
    }
    images.tag("busybox", "app", "1").unwrap();
    assert_eq!(events(&fixture).await, [("tag".into(), "app:1".into())]);
}
