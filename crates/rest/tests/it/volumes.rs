//! Volumes and networks.

use bytes::Bytes;
use http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn volumes_come_and_go() {
    let world = World::new().await;
    let made = world
        .post("/volumes/create", r#"{"Name":"data","Labels":{"a":"b"}}"#)
        .await;
    assert_eq!(
        (made.status, &made.json()["Name"]),
        (StatusCode::CREATED, &"data".into())
    );
    let again = world.post("/volumes/create", r#"{"name":"data"}"#).await;
    assert_eq!(again.status, StatusCode::CREATED);
    let list = world
        .get("/volumes?filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D")
        .await
        .json();
    assert_eq!(list["Volumes"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("/volumes/data").await.json()["Labels"]["a"], "b");
    // Prune leaves volumes with a name alone, but for old clients.
    let report = world.post("/v1.42/volumes/prune", Bytes::new()).await;
    assert_eq!(
        report.text(),
        "{\"VolumesDeleted\":[],\"SpaceReclaimed\":0}\n"
    );
    let report = world
        .post("/v1.41/volumes/prune", Bytes::new())
        .await
        .json();
    assert_eq!(report["VolumesDeleted"][0], "data");
    let gone = world.delete("/volumes/data").await;
    assert_eq!(
        (gone.status, gone.message().as_str()),
        (StatusCode::NOT_FOUND, "get data: no such volume")
    );
}

#[tokio::test]
async fn built_in_networks_are_there_and_stay() {
    let world = World::new().await;
    let list = world.get("/networks/").await.json();
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|n| n["Name"].as_str())
        .collect();
    assert!(
        names.contains(&"host") && names.contains(&"none"),
        "{names:?}"
    );
    assert_eq!(list[0].get("Containers"), None);
    let old = world.get("/v1.51/networks").await.json();
    assert!(old[0]["Containers"].is_object());
    let host = world.delete("/networks/host").await;
    assert_eq!(host.status, StatusCode::FORBIDDEN);
    assert_eq!(
        host.message(),
        "host is a pre-defined network and cannot be removed"
    );
    assert_eq!(
        world.get("/networks/nope").await.message(),
        "network nope not found"
    );
    assert_eq!(
        world.post("/networks/prune", Bytes::new()).await.text(),
        "{\"NetworksDeleted\":null}\n"
    );
}
