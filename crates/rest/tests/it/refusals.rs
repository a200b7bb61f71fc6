//! What is not there, said in the right words.

use bytes::Bytes;
use http::StatusCode;
use lockgate_rest::coverage;

use crate::world::World;

#[tokio::test]
async fn operations_that_are_not_built_are_refused_by_name() {
    let world = World::new().await;
    let mut refused = 0;
    for line in coverage().filter(|line| !line.built) {
        let target = line.pattern.replace("{id:.*}", "x").replace("{id}", "x");
        let target = target
            .replace("{name:.*}", "x")
            .replace("{checkpoint}", "x");
        let target = target.replace("{profile}", "x");
        let answer = world
            .send(line.method.as_str(), &target, Bytes::new())
            .await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{target}");
        let expected = format!("lockgate: {} is not implemented yet", line.operation);
        assert_eq!(answer.message(), expected);
        refused += 1;
    }
    assert!(refused > 5);
}

#[tokio::test]
async fn there_is_no_swarm_and_there_are_no_plugins() {
    let world = World::new().await;
    for target in [
        "/swarm",
        "/services",
        "/nodes",
        "/configs",
        "/secrets",
        "/tasks",
    ] {
        let answer = world.get(target).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
        assert!(
            answer
                .message()
                .starts_with("This node is not a swarm manager.")
        );
    }
    assert_eq!(world.get("/plugins").await.text(), "[]\n");
    assert_eq!(
        world.get("/plugins/x/json").await.message(),
        "plugin \"x\" not found"
    );
    let builds = world.post("/build/prune", Bytes::new()).await;
    assert_eq!(
        builds.text(),
        "{\"CachesDeleted\":null,\"SpaceReclaimed\":0}\n"
    );
}
