//! Real bodies of the stock daemon, read into the wire types and written again.

use std::path::PathBuf;

use lockgate_api::latest::{container, image, network, stats, system, usage, volume};
use lockgate_api::{ApiVersion, Shape, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSIONS: [u16; 5] = [24, 41, 44, 50, 51];

fn golden(minor: u16, name: &str) -> String {
    let file = format!("tests/golden/v1.{minor}-{name}.json");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads the body of each version, lets `again` make what we would answer, and compares bytes.
fn compare<T: DeserializeOwned>(name: &str, again: impl Fn(T, ApiVersion) -> Vec<u8>) {
    for minor in VERSIONS {
        let body = golden(minor, name);
        let value: T = serde_json::from_str(&body)
            .unwrap_or_else(|error| panic!("v1.{minor} {name}: {error}"));
        let ours = String::from_utf8(again(value, ApiVersion::new(1, minor))).unwrap();
        assert_eq!(ours.trim_end(), body.trim_end(), "v1.{minor} {name}");
    }
}

fn same<T: Serialize>(value: T, _version: ApiVersion) -> Vec<u8> {
    encode(&value)
}

/// The newest body as the newest types have it, shaped for every version, is that version's body.
fn derive<T: DeserializeOwned + Shape + Serialize>(name: &str, volatile: fn(&mut T, &T)) {
    for minor in VERSIONS {
        let mut newest: T = serde_json::from_str(&golden(51, name)).unwrap();
        let body = golden(minor, name);
        volatile(&mut newest, &serde_json::from_str(&body).unwrap());
        newest.shape(ApiVersion::new(1, minor));
        let ours = String::from_utf8(encode(&newest)).unwrap();
        assert_eq!(ours.trim_end(), body.trim_end(), "v1.{minor} {name}");
    }
}

#[test]
fn container_lists_are_written_as_they_were_read() {
    compare::<Vec<container::Summary>>("containers_json_all_1", same);
}

#[test]
fn container_inspects_are_written_as_they_were_read() {
    compare::<container::Inspect>("containers_s1_json", same);
}

#[test]
fn stats_are_written_as_they_were_read() {
    compare::<stats::Stats>("containers_s1_stats_stream_0_one-shot_1", same);
}

#[test]
fn tops_are_written_as_they_were_read() {
    compare::<container::Top>("containers_s1_top", same);
}

#[test]
fn image_inspects_are_written_as_they_were_read() {
    compare::<image::Inspect>("images_busybox_json", same);
}

#[test]
fn image_lists_are_written_as_they_were_read() {
    compare::<Vec<image::Summary>>("images_json", same);
}

#[test]
fn infos_are_written_as_they_were_read() {
    compare::<system::Info>("info", |info, version| info.encode(version));
}

#[test]
fn networks_are_written_as_they_were_read() {
    compare::<Vec<network::Network>>("networks", same);
    compare::<network::Network>("networks_bridge", same);
}

#[test]
fn disk_usage_is_written_as_it_was_read() {
    compare::<usage::Lists>("system_df", same);
}

#[test]
fn versions_are_written_as_they_were_read() {
    compare::<system::Version>("version", same);
}

#[test]
fn volumes_are_written_as_they_were_read() {
    compare::<volume::List>("volumes", same);
}

#[test]
fn older_container_lists_follow_from_the_newest() {
    derive::<Vec<container::Summary>>("containers_json_all_1", |newest, old| {
        newest[0].status.clone_from(&old[0].status);
    });
}

#[test]
fn older_inspects_follow_from_the_newest() {
    for minor in VERSIONS {
        let body = golden(minor, "containers_s1_json");
        let mut newest: container::Inspect = serde_json::from_str(&body).unwrap();
        newest.network_settings.legacy = None;
        newest.network_settings.bridge = None;
        newest.shape(ApiVersion::new(1, minor));
        assert_eq!(
            String::from_utf8(encode(&newest)).unwrap().trim_end(),
            body.trim_end()
        );
    }
}

#[test]
fn older_image_lists_follow_from_the_newest() {
    derive::<Vec<image::Summary>>("images_json", |_, _| ());
}

#[test]
fn older_image_inspects_follow_from_the_newest() {
    for minor in VERSIONS {
        let body = golden(minor, "images_busybox_json");
        let mut newest: image::Inspect =
            serde_json::from_str(&golden(51, "images_busybox_json")).unwrap();
        let Some(image::ShownConfig::Sorted(sorted)) = &newest.config else {
            panic!("no config")
        };
        let config = serde_json::to_vec(sorted).unwrap();
        newest.config = Some(image::ShownConfig::Image(Box::new(
            lockgate_api::json::parse(&config).unwrap(),
        )));
        newest.shape(ApiVersion::new(1, minor));
        let ours = String::from_utf8(encode(&newest)).unwrap();
        assert_eq!(ours.trim_end(), body.trim_end(), "v1.{minor}");
    }
}

#[test]
fn older_infos_follow_from_the_newest() {
    for minor in VERSIONS {
        let body = golden(minor, "info");
        let old: system::Info = serde_json::from_str(&body).unwrap();
        let mut newest: system::Info = serde_json::from_str(&golden(51, "info")).unwrap();
        newest.system_time.clone_from(&old.system_time);
        (newest.n_fd, newest.n_goroutines) = (old.n_fd, old.n_goroutines);
        let version = ApiVersion::new(1, minor);
        newest.shape(version);
        let ours = String::from_utf8(newest.encode(version)).unwrap();
        assert_eq!(ours.trim_end(), body.trim_end(), "v1.{minor}");
    }
}

#[test]
fn older_network_lists_follow_from_the_newest() {
    for minor in VERSIONS {
        let mut newest: Vec<network::Network> =
            serde_json::from_str(&golden(24, "networks")).unwrap();
        newest.shape(ApiVersion::new(1, minor));
        let ours = String::from_utf8(encode(&newest)).unwrap();
        assert_eq!(
            ours.trim_end(),
            golden(minor, "networks").trim_end(),
            "v1.{minor}"
        );
    }
}

#[test]
fn older_disk_usage_follows_from_the_newest() {
    derive::<usage::Lists>("system_df", |newest, old| {
        newest.build_cache.as_mut().unwrap().sort_by_key(|record| {
            old.build_cache
                .iter()
                .flatten()
                .position(|other| other.id == record.id)
        });
        let (ours, theirs) = (
            newest.containers.as_mut().unwrap(),
            old.containers.as_ref().unwrap(),
        );
        ours[0].status.clone_from(&theirs[0].status);
    });
}

#[test]
fn the_newest_shape_has_no_legacy() {
    let mut inspect: container::Inspect =
        serde_json::from_str(&golden(51, "containers_s1_json")).unwrap();
    inspect.network_settings.legacy = None;
    inspect.network_settings.bridge = None;
    inspect.shape(ApiVersion::MAX);
    let text = String::from_utf8(encode(&inspect)).unwrap();
    assert!(
        !text.contains("GraphDriver") && !text.contains("HairpinMode"),
        "{text}"
    );
    assert!(
        text.contains(r#""Storage":{"RootFS":{"Snapshot":{"Name":"overlay2"}}}"#),
        "{text}"
    );
}
