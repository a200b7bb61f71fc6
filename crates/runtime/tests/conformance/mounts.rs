//! config.md#mounts and config-linux.md#default-filesystems.

use serde_json::json;

use crate::case::Case;

case!("config.md#mounts", mounts_are_made_in_their_order, |case| {
    for name in ["one", "two"] {
        let path = case.directory.join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("name"), name).unwrap();
        case.add_mount(json!({
            "destination": "/mnt", "type": "bind", "source": path, "options": ["bind"],
        }));
    }
    assert_eq!(case.output_of("cat /mnt/name"), "two");
});

case!(
    "config.md#mounts",
    what_is_missing_below_the_root_is_made,
    |case| {
        case.add_mount(json!({
            "destination": "/a/b/c", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k"],
        }));
        assert_eq!(case.output_of("stat -f -c %T /a/b/c"), "tmpfs\n");
    }
);

case!(
    "config.md#mounts",
    a_readonly_bind_cannot_be_written,
    |case| {
        case.share();
        let mounts = case.spec["mounts"].as_array_mut().unwrap();
        mounts.last_mut().unwrap()["options"] = json!(["rbind", "ro"]);
        assert_eq!(
            case.output_of("touch /shared/x 2>/dev/null || echo refused"),
            "refused\n"
        );
    }
);

case!("config.md#mounts", flags_of_a_mount_are_set, |case| {
    case.add_mount(json!({
        "destination": "/flags", "type": "tmpfs", "source": "tmpfs",
        "options": ["nosuid", "nodev", "noexec", "noatime"],
    }));
    let line = case.output_of("grep ' /flags ' /proc/self/mounts");
    for flag in ["nosuid", "nodev", "noexec", "noatime"] {
        assert!(line.contains(flag), "{line}");
    }
});

case!("config.md#mounts", data_reaches_the_file_system, |case| {
    case.add_mount(json!({
        "destination": "/small", "type": "tmpfs", "source": "tmpfs",
        "options": ["size=128k", "mode=0750"],
    }));
    let text = case.output_of("stat -c %a /small; df -k /small | tail -1 | awk '{print $2}'");
    assert_eq!(text, "750\n128\n");
});

case!("config.md#mounts", a_file_can_be_mounted, |case| {
    let path = case.directory.join("file");
    std::fs::write(&path, "contents").unwrap();
    case.add_mount(json!({
        "destination": "/etc/file", "type": "bind", "source": path, "options": ["bind"],
    }));
    assert_eq!(case.output_of("cat /etc/file"), "contents");
});

case!(
    "config.md#mounts",
    a_source_that_is_not_there_is_an_error,
    |case| {
        case.add_mount(json!({
            "destination": "/x", "type": "bind", "source": "/nowhere/at/all", "options": ["bind"],
        }));
        case.create_refused();
    }
);

case!(
    "config.md#mounts",
    a_link_in_the_root_does_not_lead_out,
    |case| {
        std::os::unix::fs::symlink("/tmp", case.rootfs().join("out")).unwrap();
        case.add_mount(json!({
            "destination": "/out/lockgate-conformance-outside", "type": "tmpfs", "source": "tmpfs",
        }));
        case.output_of("grep -q ' /tmp/lockgate-conformance-outside ' /proc/self/mounts");
        assert!(!std::path::Path::new("/tmp/lockgate-conformance-outside").exists());
    }
);

case!(
    "config-linux.md#default-filesystems",
    the_usual_file_systems_are_there,
    |case| {
        let kinds = case.output_of(
        "for p in /proc /sys /dev/pts /dev/shm; do grep \" $p \" /proc/self/mounts | cut -d' ' -f3; done",
    );
        assert_eq!(
            kinds.lines().collect::<Vec<_>>(),
            ["proc", "sysfs", "devpts", "tmpfs"]
        );
    }
);

case!(
    "config-linux.md#rootfs-mount-propagation",
    a_private_root_keeps_mounts_apart,
    |case| {
        case.spec["linux"]["rootfsPropagation"] = json!("private");
        let line =
            case.output_of("grep ' / / ' /proc/self/mountinfo || head -1 /proc/self/mountinfo");
        assert!(
            !line.contains("shared:") && !line.contains("master:"),
            "{line}"
        );
    }
);
