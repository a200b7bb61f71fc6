//! Volumes as objects: create, list, inspect, remove, prune, measure.

use lockgate_engine::{CreateVolume, Filters};
use lockgate_types::ErrorKind;

use crate::fixture::{Fixture, sh};

fn named(name: &str) -> CreateVolume {
    CreateVolume {
        name: name.to_owned(),
        ..CreateVolume::default()
    }
}

fn filters(pairs: &[(&str, &str)]) -> Filters {
    pairs.iter().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_a_volume_twice_answers_the_first() {
    let fixture = Fixture::new().await;
    let volumes = fixture.volumes();
    let labels = [("a".to_owned(), "b".to_owned())].into();
    let first = CreateVolume {
        labels: Some(labels),
        ..named("data")
    };
    let first = volumes.create(first).await.unwrap();
    assert_eq!(volumes.create(named("data")).await.unwrap(), first);
    assert_eq!(volumes.inspect("data").unwrap(), first);
    assert!(std::path::Path::new(&first.mountpoint).is_dir());
    let anonymous = volumes.create(CreateVolume::default()).await.unwrap();
    assert_eq!(anonymous.name.as_str().len(), 64);
    assert_eq!(
        volumes.list(&filters(&[("label", "a=b")])).unwrap(),
        [first]
    );
    assert_eq!(
        volumes
            .list(&filters(&[("name", &anonymous.name.as_str()[..9])]))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        volumes
            .list(&filters(&[("driver", "other")]))
            .unwrap()
            .len(),
        0
    );
    volumes.list(&filters(&[("nope", "")])).unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_in_dockers_words() {
    let fixture = Fixture::new().await;
    let volumes = fixture.volumes();
    let missing = volumes.inspect("nope").unwrap_err();
    assert_eq!(missing.to_string(), "get nope: no such volume");
    let driver = CreateVolume {
        driver: "foo".to_owned(),
        ..named("vol")
    };
    let refused = volumes.create(driver).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "create vol: error looking up volume plugin foo: plugin \"foo\" not found"
    );
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    for name in ["a/b", "..", "a"] {
        let refused = volumes.create(named(name)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    }
    let options = [("type".to_owned(), "tmpfs".to_owned())].into();
    let half = CreateVolume {
        driver_options: Some(options),
        ..named("vol")
    };
    let refused = volumes.create(half).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "create vol: missing required option: \"device\""
    );
    let missing = volumes.remove("nope", false).await.unwrap_err();
    assert_eq!(missing.to_string(), "get nope: no such volume");
    volumes.remove("nope", true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_in_use_stays() {
    let fixture = Fixture::new().await;
    let volumes = fixture.volumes();
    let mut request = sh("echo 12345 > /data/file");
    request.host_config.binds = Some(vec!["used:/data".to_owned()]);
    let container = fixture.run_with(request).await;
    fixture.wait(&container).await;
    let refused = volumes.remove("used", true).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("remove used: volume is in use - [{container}]")
    );
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let unused = volumes.create(CreateVolume::default()).await.unwrap();
    volumes.create(named("unused")).await.unwrap();
    let usage = fixture.disk_usage().await.unwrap();
    let sizes: Vec<(&str, i64, i64)> = usage
        .volumes
        .iter()
        .map(|v| (v.volume.name.as_str(), v.users, v.size))
        .collect();
    assert!(
        sizes.contains(&("used", 1, 6)) && sizes.contains(&("unused", 0, 0)),
        "{sizes:?}"
    );
    assert_eq!(usage.images[0].containers, 1);
    assert!(usage.layers_size > 0);
    assert_eq!(
        volumes
            .list(&filters(&[("dangling", "false")]))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        volumes.prune(Filters::default()).await.unwrap().deleted,
        [unused.name]
    );
    let pruned = volumes.prune(filters(&[("all", "true")])).await.unwrap();
    assert_eq!(pruned.deleted.len(), 1);
    fixture.remove(&container).await;
    volumes.remove("used", false).await.unwrap();
    assert!(volumes.list(&Filters::default()).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tmpfs_volume_is_mounted_while_containers_run() {
    let fixture = Fixture::new().await;
    let options = [
        ("type", "tmpfs"),
        ("device", "tmpfs"),
        ("o", "size=1m,uid=7"),
    ];
    let options = options
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let volume = CreateVolume {
        driver_options: Some(options),
        ..named("memory")
    };
    let volume = fixture.volumes().create(volume).await.unwrap();
    let mut request = sh("stat -c %u /m; grep ' /m ' /proc/mounts | cut -d' ' -f3; echo x > /m/x");
    request.host_config.binds = Some(vec!["memory:/m".to_owned()]);
    let container = fixture.run_with(request).await;
    fixture.wait(&container).await;
    assert_eq!(fixture.log(&container).await, "7\ntmpfs\n");
    fixture.remove(&container).await;
    assert_eq!(std::fs::read_dir(&volume.mountpoint).unwrap().count(), 0);
    fixture.volumes().remove("memory", false).await.unwrap();
}
