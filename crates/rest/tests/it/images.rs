//! Images in and out.

use bytes::Bytes;
use http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn an_imported_image_is_listed_inspected_saved_and_removed() {
    let world = World::new().await;
    let id = world.import("busybox").await;
    let list = world.get("/images/json").await.json();
    assert_eq!(
        (&list[0]["Id"], &list[0]["Containers"]),
        (&id.as_str().into(), &0.into())
    );
    let old = world.get("/v1.43/images/json").await.json();
    assert_eq!(
        (&old[0]["VirtualSize"], &old[0]["Containers"]),
        (&old[0]["Size"], &(-1).into())
    );
    let inspect = world.get("/v1.44/images/busybox/json").await.json();
    assert_eq!(inspect["Config"]["Cmd"][0], "sh");
    assert!(inspect["ContainerConfig"].is_object());
    let history = world.get("/images/busybox/history").await.json();
    assert_eq!(
        (&history[0]["Id"], &history[0]["Comment"]),
        (&id.as_str().into(), &"Imported from -".into())
    );

    let archive = world.get("/images/busybox/get").await;
    assert_eq!(archive.headers["Content-Type"], "application/x-tar");
    let both = world
        .get("/images/get?names=busybox&names=busybox:latest")
        .await;
    assert_eq!(both.status, StatusCode::OK);

    let gone = world.delete("/images/busybox").await.json();
    assert_eq!(
        (&gone[0]["Untagged"], &gone[1]["Deleted"]),
        (&"busybox:latest".into(), &id.as_str().into())
    );
    assert_eq!(world.get("/images/json").await.text(), "[]\n");

    let loaded = world.post("/images/load?quiet=0", archive.bytes).await;
    assert!(
        loaded
            .text()
            .ends_with("{\"stream\":\"Loaded image: busybox:latest\\n\"}\r\n"),
        "{}",
        loaded.text()
    );
    assert_eq!(
        world.get("/images/busybox/json").await.json()["Id"],
        id.as_str()
    );
}

#[tokio::test]
async fn tags_are_checked() {
    let world = World::new().await;
    world.import("busybox").await;
    let tagged = world
        .post("/images/busybox/tag?repo=user/app&tag=1", Bytes::new())
        .await;
    assert_eq!(tagged.status, StatusCode::CREATED);
    assert_eq!(
        world.get("/images/user/app:1/json").await.status,
        StatusCode::OK
    );
    let upper = world
        .post("/images/busybox/tag?repo=FOO", Bytes::new())
        .await;
    assert_eq!(upper.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        upper.message(),
        "invalid reference format: repository name (library/FOO) must be lowercase"
    );
}

#[tokio::test]
async fn a_bad_archive_fails_in_the_stream() {
    let world = World::new().await;
    let answer = world.post("/images/load", &b"no archive"[..]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let error = answer.json();
    assert_eq!(error["error"], error["errorDetail"]["message"]);
    let import = world
        .post("/images/create?fromSrc=-", &b"no archive"[..])
        .await;
    assert!(import.status.is_client_error(), "{}", import.text());
}

#[tokio::test]
async fn a_pull_is_refused_with_advice() {
    let world = World::new().await;
    let answer = world
        .post("/images/create?fromImage=busybox&tag=latest", Bytes::new())
        .await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert!(answer.message().starts_with("cannot pull busybox:latest: "));
    let prune = world.post("/images/prune", Bytes::new()).await;
    assert_eq!(
        prune.text(),
        "{\"ImagesDeleted\":null,\"SpaceReclaimed\":0}\n"
    );
}
