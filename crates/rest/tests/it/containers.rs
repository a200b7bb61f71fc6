//! Containers that are made and not started.

use bytes::Bytes;
use http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn a_created_container_is_seen_by_every_version() {
    let world = World::new().await;
    world.import("busybox").await;
    let body = r#"{"image":"busybox","HOSTCONFIG":{"NetworkMode":"none"},"Labels":{"a":"b"}}"#;
    let made = world
        .post("/containers/create?name=web&Hostname=&Cmd=x", body)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(
        made.text().ends_with("\"Warnings\":[]}\n"),
        "{}",
        made.text()
    );
    let id = made.json()["Id"].as_str().unwrap().to_owned();

    let new = world.get("/containers/web/json").await.json();
    assert_eq!(
        (&new["Id"], &new["Name"]),
        (&id.as_str().into(), &"/web".into())
    );
    assert_eq!(new["State"]["Status"], "created");
    assert_eq!(new.get("GraphDriver"), None);
    assert!(new["Storage"]["RootFS"]["Snapshot"]["Name"].is_string());
    let old = world.get("/v1.24/containers/web/json").await.json();
    assert!(
        old["GraphDriver"]["Data"].is_object() && old["NetworkSettings"]["IPAddress"].is_string()
    );

    assert_eq!(world.get("/containers/json").await.text(), "[]\n");
    let all = world.get("/containers/json?all=true").await.json();
    assert_eq!(
        (&all[0]["Names"][0], &all[0]["State"]),
        (&"/web".into(), &"created".into())
    );

    let taken = world
        .post("/containers/create?name=web", r#"{"Image":"busybox"}"#)
        .await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(
        taken
            .message()
            .starts_with("Conflict. The container name \"/web\" is already in use")
    );
    assert_eq!(
        world
            .delete("/containers/web?v=False&link=False&force=False")
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        world.get("/containers/web/json").await.message(),
        "No such container: web"
    );
}

#[tokio::test]
async fn what_needs_a_running_container_says_so() {
    let world = World::new().await;
    world.import("busybox").await;
    let body = r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#;
    world.post("/containers/create?name=web", body).await;
    for (method, target, status) in [
        ("GET", "/containers/web/top", 409),
        ("POST", "/containers/web/kill", 409),
        ("POST", "/containers/web/stop", 304),
        ("POST", "/containers/web/resize?h=1&w=1", 409),
        ("POST", "/containers/web/resize?h=x&w=1", 400),
        ("GET", "/containers/web/logs", 400),
        ("POST", "/containers/web/wait?condition=bogus", 400),
        ("GET", "/containers/web/stats?one-shot=1", 400),
        ("POST", "/containers/nope/wait", 404),
        ("POST", "/containers/nope/attach", 404),
    ] {
        let answer = world.send(method, target, Bytes::new()).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {target}: {}",
            answer.text()
        );
    }
    // A container that does not run has used nothing.
    let stats = world.get("/containers/web/stats?stream=0").await.json();
    assert_eq!(stats["read"], "0001-01-01T00:00:00Z");
    // The condition holds at once.
    let wait = world.post("/containers/web/wait", Bytes::new()).await;
    assert_eq!(wait.text(), "{\"StatusCode\":0}\n");
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let world = World::new().await;
    for (body, message) in [
        ("{\"Image\":\"\"}", "no command specified"),
        (
            "{\"HostConfig\":{},\"hostconfig\":{}}",
            "invalid JSON: duplicate key \"HostConfig\"",
        ),
        (
            "{\"Tty\":\"yes\"}",
            "invalid JSON: Tty: cannot unmarshal string into type bool",
        ),
        ("", "invalid JSON: got EOF while reading request body"),
    ] {
        let answer = world.post("/containers/create", body).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (StatusCode::BAD_REQUEST, message)
        );
    }
}
