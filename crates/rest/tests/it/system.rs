//! The daemon about itself.

use http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn pings_negotiate() {
    let world = World::new().await;
    let answer = world.get("/_ping").await;
    assert_eq!(answer.text(), "OK");
    let head = world.send("HEAD", "/_ping", bytes::Bytes::new()).await;
    for (name, value) in [
        ("Builder-Version", "1"),
        ("Swarm", "inactive"),
        ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ("Content-Length", "0"),
        ("Content-Type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(head.headers.get(name).unwrap(), value, "{name}");
    }
}

#[tokio::test]
async fn versions_and_info_are_those_of_one_engine() {
    let world = World::new().await;
    let version = world.get("/version").await.json();
    assert_eq!(
        (&version["ApiVersion"], &version["MinAPIVersion"]),
        (&"1.55".into(), &"1.24".into())
    );
    let (new, old) = (world.get("/info").await, world.get("/v1.24/info").await);
    assert_eq!(new.json()["Swarm"]["LocalNodeState"], "inactive");
    assert_eq!(old.json()["SecurityOptions"][0], "seccomp");
    assert!(new.text().starts_with("{\"ID\":") && old.text().starts_with("{\"Architecture\":"));
}

#[tokio::test]
async fn disk_usage_has_the_kinds_that_were_asked_for() {
    let world = World::new().await;
    world.import("busybox").await;
    let old = world.get("/v1.41/system/df").await.json();
    assert_eq!(old["BuilderSize"], 0);
    assert_eq!(old["Images"][0]["RepoTags"][0], "busybox:latest");
    let images = world.get("/v1.50/system/df?type=image").await.json();
    assert!(images["Images"].is_array() && images["Containers"].is_null());
    let new = world
        .get("/system/df?verbose=1&type=image&type=container")
        .await
        .json();
    assert_eq!(
        new["ImageUsage"]["Items"][0]["RepoTags"][0],
        "busybox:latest"
    );
    assert_eq!(new.get("Images"), None);
    assert_eq!(new.get("VolumeUsage"), None);
    let bogus = world.get("/system/df?type=bogus").await;
    assert_eq!(bogus.status, StatusCode::BAD_REQUEST);
    assert_eq!(bogus.message(), "unknown object type: bogus");
}

#[tokio::test]
async fn past_events_are_told_and_the_stream_ends() {
    let world = World::new().await;
    world.post("/volumes/create", r#"{"Name":"v1"}"#).await;
    let until = lockgate_types::Timestamp::now().unix_seconds() + 1;
    let target = format!("/v1.51/events?since=0&until={until}");
    let events = world.get(&target).await;
    assert_eq!(events.headers["Content-Type"], "application/json");
    let line: serde_json::Value =
        serde_json::from_str(events.text().lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["Type"], &line["Action"]),
        (&"volume".into(), &"create".into())
    );
    let new = world.get(&format!("/events?since=1&until={until}")).await;
    assert_eq!(new.headers["Content-Type"], "application/jsonl");
    let wrong = world.get("/events?since=5&until=2").await;
    assert_eq!(
        wrong.message(),
        "`since` time (5) cannot be after `until` time (2)"
    );
}
