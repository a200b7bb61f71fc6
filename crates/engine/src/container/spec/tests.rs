use lockgate_types::container::{ContainerConfig, HostConfig, MountPoint, MountType};
use lockgate_types::{ContainerId, ContainerName, Timestamp};
use oci_spec::runtime::LinuxNamespaceType;

use super::*;
use crate::container::record::{MountRecord, SCHEMA};

fn record() -> Record {
    Record {
        schema: SCHEMA,
        id: ContainerId::parse(&"ab".repeat(32)).unwrap(),
        name: ContainerName::parse("web").unwrap(),
        created: Timestamp::ZERO,
        image: None,
        path: "sleep".to_owned(),
        args: vec!["60".to_owned()],
        config: ContainerConfig {
            hostname: "abababababab".to_owned(),
            env: Some(vec!["PATH=/bin".to_owned(), "A=b".to_owned()]),
            ..ContainerConfig::default()
        },
        host_config: HostConfig {
            ipc_mode: "private".to_owned(),
            cgroupns_mode: "host".to_owned(),
            network_mode: "none".to_owned(),
            shm_size: 64 << 20,
            ..HostConfig::default()
        },
        networks: BTreeMap::new(),
        mounts: Vec::new(),
    }
}

fn spec(record: &Record, peers: Peers) -> Spec {
    let engine = EngineConfig::new("/d".into(), "/e".into(), "/shim".into());
    let identity = Identity {
        home: "/root".to_owned(),
        ..Identity::default()
    };
    build(&Inputs {
        engine: &engine,
        record,
        directory: Path::new("/d/containers/x"),
        identity: &identity,
        netns: None,
        peers,
        staged: &BTreeMap::new(),
        link_environment: &[],
    })
    .unwrap()
}

fn namespaces(spec: &Spec) -> Vec<LinuxNamespaceType> {
    let linux = spec.linux().as_ref().unwrap();
    linux
        .namespaces()
        .as_ref()
        .unwrap()
        .iter()
        .map(oci_spec::runtime::LinuxNamespace::typ)
        .collect()
}

#[test]
fn a_plain_container_is_isolated_as_dockers_is() {
    let spec = spec(&record(), Peers::default());
    let process = spec.process().as_ref().unwrap();
    assert_eq!(process.args().as_ref().unwrap(), &["sleep", "60"]);
    assert_eq!(process.cwd(), Path::new("/"));
    assert_eq!(
        process.env().as_ref().unwrap(),
        &["PATH=/bin", "HOSTNAME=abababababab", "A=b", "HOME=/root"]
    );
    let bounding = process
        .capabilities()
        .as_ref()
        .unwrap()
        .bounding()
        .as_ref()
        .unwrap()
        .len();
    assert_eq!(bounding, 14);
    let linux = spec.linux().as_ref().unwrap();
    assert!(linux.seccomp().is_some());
    assert_eq!(
        linux.cgroups_path().as_deref().unwrap(),
        Path::new(&format!("/lockgate/{}", "ab".repeat(32)))
    );
    assert_eq!(
        namespaces(&spec),
        [
            LinuxNamespaceType::Mount,
            LinuxNamespaceType::Network,
            LinuxNamespaceType::Uts,
            LinuxNamespaceType::Pid,
            LinuxNamespaceType::Ipc
        ]
    );
}

#[test]
fn host_modes_leave_namespaces_out_and_peers_are_joined() {
    let mut record = record();
    record.host_config.network_mode = "host".to_owned();
    record.host_config.pid_mode = "host".to_owned();
    record.host_config.ipc_mode = "host".to_owned();
    record.host_config.uts_mode = "host".to_owned();
    let alone = spec(&record, Peers::default());
    assert_eq!(namespaces(&alone), [LinuxNamespaceType::Mount]);
    assert_eq!(alone.hostname(), &None);

    record.host_config.network_mode = "container:x".to_owned();
    let joined = spec(
        &record,
        Peers {
            network: Some(7),
            ..Peers::default()
        },
    );
    let linux = joined.linux().as_ref().unwrap();
    let network = &linux.namespaces().as_ref().unwrap()[1];
    assert_eq!(network.path().as_deref(), Some(Path::new("/proc/7/ns/net")));
    assert!(linux.sysctl().as_ref().unwrap().is_empty());
}

#[test]
fn a_privileged_container_has_everything() {
    let mut record = record();
    record.host_config.privileged = true;
    let spec = spec(&record, Peers::default());
    let linux = spec.linux().as_ref().unwrap();
    assert!(linux.seccomp().is_none());
    assert!(linux.masked_paths().is_none() && linux.readonly_paths().is_none());
    assert_eq!(
        linux
            .resources()
            .as_ref()
            .unwrap()
            .devices()
            .as_ref()
            .unwrap()
            .len(),
        1
    );
    assert!(!linux.devices().as_ref().unwrap().is_empty());
}

#[test]
fn user_mounts_come_last_shallow_first_and_replace_defaults() {
    let mut record = record();
    for destination in ["/a/b", "/a", "/dev/shm"] {
        record.mounts.push(MountRecord {
            point: MountPoint {
                kind: MountType::Bind,
                source: "/src".to_owned(),
                destination: destination.to_owned(),
                ..MountPoint::default()
            },
            ..MountRecord::default()
        });
    }
    let spec = spec(&record, Peers::default());
    let mounts = spec.mounts().as_ref().unwrap();
    let places: Vec<&str> = mounts
        .iter()
        .rev()
        .take(3)
        .map(|m| m.destination().to_str().unwrap())
        .collect();
    assert_eq!(places, ["/dev/shm", "/a/b", "/a"]);
    let shm = mounts
        .iter()
        .filter(|m| m.destination() == Path::new("/dev/shm"))
        .count();
    assert_eq!(shm, 1);
    assert!(
        mounts
            .last()
            .unwrap()
            .options()
            .as_ref()
            .unwrap()
            .contains(&"ro".to_owned())
    );
}

#[test]
fn a_seccomp_profile_that_is_no_json_is_refused() {
    let mut record = record();
    record.host_config.security_opt = Some(vec!["seccomp={".to_owned()]);
    seccomp_profile(&record, &[]).unwrap_err();
    record.host_config.security_opt = Some(vec!["seccomp=unconfined".to_owned()]);
    assert_eq!(seccomp_profile(&record, &[]).unwrap(), None);
}

/// The whole specification of a plain container, so that no change of a default goes unseen.
#[test]
fn the_whole_specification_is_as_agreed() {
    let mut spec = serde_json::to_value(spec(&record(), Peers::default())).unwrap();
    // A table of its own, tested where it is made.
    spec["linux"].as_object_mut().unwrap().remove("seccomp");
    for set in spec["process"]["capabilities"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        let mut names: Vec<String> = serde_json::from_value(set.take()).unwrap();
        names.sort();
        *set = names.into();
    }
    insta::assert_json_snapshot!(spec);
}
