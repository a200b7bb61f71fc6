use std::fs;

use oci_spec::runtime::Linux;
use tempfile::TempDir;

use super::*;

const GPU: &str = r#"
cdiVersion: "0.5.0"
kind: vendor.example/gpu
devices:
- name: "0"
  containerEdits:
    env: [GPU=0]
    deviceNodes:
    - {path: /dev/gpu0, hostPath: /dev/null, permissions: rw}
containerEdits:
  env: [GPU=any, DRIVER=1]
  mounts:
  - {hostPath: /lib/driver, containerPath: /opt/driver, options: [ro, rbind]}
"#;

fn spec() -> Spec {
    let mut spec = Spec::default();
    spec.set_linux(Some(Linux::default()));
    spec
}

fn host(requests: Vec<DeviceRequest>) -> HostConfig {
    HostConfig {
        device_requests: Some(requests),
        ..HostConfig::default()
    }
}

fn device(names: &[&str]) -> DeviceRequest {
    DeviceRequest {
        driver: "cdi".to_owned(),
        device_ids: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..DeviceRequest::default()
    }
}

fn inject_from(files: &[(&str, &str)], names: &[&str]) -> (TempDir, Result<Spec, String>) {
    let root = tempfile::tempdir().unwrap();
    let directories: Vec<PathBuf> = ["etc", "run"].map(|name| root.path().join(name)).into();
    for directory in &directories {
        fs::create_dir(directory).unwrap();
    }
    for (name, text) in files {
        fs::write(root.path().join(name), text).unwrap();
    }
    let mut spec = spec();
    let result = inject(&mut spec, &host(vec![device(names)]), &directories);
    (
        root,
        result.map(|()| spec).map_err(|error| error.to_string()),
    )
}

#[test]
fn a_device_brings_its_nodes_mounts_and_variables() {
    let (_root, spec) = inject_from(&[("etc/gpu.yaml", GPU)], &["vendor.example/gpu=0"]);
    let spec = spec.unwrap();
    let env = spec.process().as_ref().unwrap().env().clone().unwrap();
    assert_eq!(env[env.len() - 2..], ["DRIVER=1", "GPU=0"]);
    let linux = spec.linux().as_ref().unwrap();
    let node = &linux.devices().as_ref().unwrap()[0];
    assert_eq!((node.major(), node.minor()), (1, 3));
    assert_eq!(node.path().to_str(), Some("/dev/gpu0"));
    let rules = linux
        .resources()
        .as_ref()
        .unwrap()
        .devices()
        .clone()
        .unwrap();
    assert_eq!(rules.last().unwrap().access().as_deref(), Some("rw"));
    let mounts = spec.mounts().as_ref().unwrap();
    assert_eq!(
        mounts.last().unwrap().destination().to_str(),
        Some("/opt/driver")
    );
}

#[test]
fn a_later_directory_goes_first_and_a_tie_hides_the_device() {
    let json = r#"{"cdiVersion":"0.6.0","kind":"vendor.example/gpu","devices":[{"name":"0","containerEdits":{"env":["GPU=later"]}}]}"#;
    let name = ["vendor.example/gpu=0"];
    let (_root, spec) = inject_from(&[("etc/gpu.yaml", GPU), ("run/gpu.json", json)], &name);
    let env = spec
        .unwrap()
        .process()
        .as_ref()
        .unwrap()
        .env()
        .clone()
        .unwrap();
    assert!(env.contains(&"GPU=later".to_owned()) && !env.contains(&"DRIVER=1".to_owned()));
    let (_root, spec) = inject_from(&[("etc/gpu.yaml", GPU), ("etc/b.json", json)], &name);
    assert_eq!(
        spec.unwrap_err(),
        "CDI device injection failed: unresolvable CDI devices vendor.example/gpu=0"
    );
}

#[test]
fn what_is_not_there_or_not_readable_is_told_as_dockerd_does() {
    let names = ["vendor.example/gpu=0", "vendor.example/gpu=7", "x"];
    let (_root, spec) = inject_from(&[("etc/gpu.yaml", GPU)], &names);
    assert_eq!(
        spec.unwrap_err(),
        "CDI device injection failed: unresolvable CDI devices vendor.example/gpu=7, x"
    );
    for bad in [
        "kind: [",
        "cdiVersion: \"9.9.9\"\nkind: vendor.example/gpu\ndevices: [{name: \"0\"}]",
        "cdiVersion: \"0.5.0\"\nkind: gpu\ndevices: [{name: \"0\"}]",
        "cdiVersion: \"0.5.0\"\nkind: vendor.example/gpu\nsurprise: 1\ndevices: [{name: \"0\"}]",
    ] {
        let (_root, spec) = inject_from(&[("etc/gpu.yaml", bad)], &names[..1]);
        assert!(spec.unwrap_err().contains("unresolvable"), "{bad}");
    }
}

#[test]
fn other_drivers_counts_and_options_are_refused_with_dockers_texts() {
    let text = |request: DeviceRequest| {
        let error = inject(&mut spec(), &host(vec![request]), &[]).unwrap_err();
        error.to_string()
    };
    let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let gpus = DeviceRequest {
        count: -1,
        capabilities: Some(vec![words(&["gpu", "compute"]), words(&["x"])]),
        ..DeviceRequest::default()
    };
    assert_eq!(
        text(gpus),
        "could not select device driver \"\" with capabilities: [[gpu compute] [x]]"
    );
    assert_eq!(
        text(DeviceRequest {
            count: 1,
            ..device(&["a"])
        }),
        "unexpected count in CDI device request"
    );
    let options = Some([("a".to_owned(), "b".to_owned())].into());
    assert_eq!(
        text(DeviceRequest {
            options,
            ..device(&["a"])
        }),
        "unexpected options in CDI device request"
    );
}

#[test]
fn what_cannot_be_given_is_an_error_and_not_left_out() {
    let file = |edits: &str| {
        format!(
            "cdiVersion: \"1.0.0\"\nkind: v.example/c\ndevices: [{{name: a, containerEdits: {edits}}}]"
        )
    };
    for (edits, text) in [
        (
            "{deviceNodes: [{path: /dev/nope-nope}]}",
            "failed to stat CDI host device \"/dev/nope-nope\"",
        ),
        (
            "{hooks: [{hookName: nope, path: /x}]}",
            "invalid hook name \"nope\"",
        ),
        ("{intelRdt: {}}", "intelRdt is not supported"),
    ] {
        let (_root, spec) = inject_from(&[("run/a.yaml", &file(edits))], &["v.example/c=a"]);
        assert_eq!(
            spec.unwrap_err(),
            format!("CDI device injection failed: {text}")
        );
    }
}
