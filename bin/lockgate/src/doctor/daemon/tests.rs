use super::*;

fn world(files: &[(&str, &str)]) -> (tempfile::TempDir, World) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let world = World::new(Some(root.path()));
    (root, world)
}

const UNIT: &str = "[Service]\nExecStart=/usr/bin/dockerd -H fd:// \\\n  $DOCKER_OPTS\n";

#[test]
fn a_drop_in_replaces_the_command_and_etc_comes_first() {
    let (_root, world) = world(&[
        ("lib/systemd/system/docker.service", UNIT),
        (
            "etc/systemd/system/docker.service.d/override.conf",
            "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --tlsverify -H=tcp://0.0.0.0:2376\n",
        ),
        (
            "run/systemd/system/docker.service.d/override.conf",
            "[Service]\nExecStart=\nExecStart=/bin/false\n",
        ),
    ]);
    let daemon = Daemon::find(&world, Kind::Dockerd).unwrap();
    assert_eq!(daemon.hosts(), ["tcp://0.0.0.0:2376"]);
    assert!(daemon.settings.is_on("tlsverify"));
    assert_eq!(daemon.service.unwrap().starts.len(), 1);
}

#[test]
fn variables_of_the_environment_file_become_flags() {
    let (_root, world) = world(&[
        (
            "lib/systemd/system/docker.service",
            "[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS\n",
        ),
        (
            "etc/default/docker",
            "# DOCKER_OPTS=no\nDOCKER_OPTS=\"-H tcp://0.0.0.0:2375 --icc=false\"\n",
        ),
    ]);
    let daemon = Daemon::find(&world, Kind::Dockerd).unwrap();
    assert_eq!(daemon.hosts(), ["fd://", "tcp://0.0.0.0:2375"]);
    assert!(daemon.settings.is_off("icc"));
}

#[test]
fn the_running_process_is_asked_before_the_unit() {
    let (_root, world) = world(&[
        ("lib/systemd/system/docker.service", UNIT),
        ("run/docker.pid", "77"),
        (
            "proc/77/cmdline",
            "/usr/sbin/dockerd\0--config-file\0/srv/d.json\0-D\0",
        ),
        ("srv/d.json", "{\"hosts\": [\"unix:///x\"], \"tls\": null}"),
    ]);
    let daemon = Daemon::find(&world, Kind::Dockerd).unwrap();
    assert_eq!(daemon.hosts(), ["unix:///x"]);
    assert!(daemon.path.ends_with("srv/d.json"));
    assert!(daemon.settings.text("tls").is_none());
}

#[test]
fn a_machine_without_a_trace_has_no_daemon() {
    let (_root, world) = world(&[("etc/hostname", "x")]);
    assert!(Daemon::find(&world, Kind::Dockerd).is_none());
}

/// `lockgated` cannot be asked, being another program; its table is asked instead.
#[test]
fn every_key_of_lockgated_is_known() {
    let table = include_str!("../../../../lockgated/src/config/table.rs");
    let mut count = 0;
    for line in table.lines().map(str::trim) {
        let call = ["used(", "moot(", "refused("];
        if !call.iter().any(|call| line.starts_with(call)) {
            continue;
        }
        let text = line.split_once(".key(").map_or(line, |(_, rest)| rest);
        let key = text.split('"').nth(1).unwrap();
        let is_flag_only = matches!(key, "add-runtime" | "default-ulimit");
        assert!(is_flag_only || is_key(key, true), "{key}");
        count += 1;
    }
    assert!(count > 50, "{count}");
}
