//! config.md: the root, the process and what else is common to all platforms.

use serde_json::json;

use crate::case::Case;

case!(
    "config.md#root",
    a_relative_root_is_below_the_bundle,
    |case| {
        std::fs::write(case.rootfs().join("marker"), "here").unwrap();
        assert_eq!(case.output_of("cat /marker"), "here");
    }
);

case!(
    "config.md#root",
    an_absolute_root_is_taken_as_it_is,
    |case| {
        std::fs::write(case.rootfs().join("marker"), "here").unwrap();
        case.spec["root"]["path"] = json!(case.rootfs());
        assert_eq!(case.output_of("cat /marker"), "here");
    }
);

case!(
    "config.md#root",
    a_root_that_is_not_there_is_an_error,
    |case| {
        case.spec["root"]["path"] = json!("nowhere");
        case.create_refused();
    }
);

case!(
    "config.md#root",
    a_readonly_root_cannot_be_written,
    |case| {
        case.spec["root"]["readonly"] = json!(true);
        assert_eq!(
            case.output_of("touch /x 2>/dev/null || echo refused"),
            "refused\n"
        );
        assert!(!case.rootfs().join("x").exists());
    }
);

case!("config.md#root", a_root_is_writable_otherwise, |case| {
    case.output_of("touch /x");
    assert!(case.rootfs().join("x").exists());
});

case!(
    "config.md#process",
    the_program_begins_in_its_directory,
    |case| {
        case.spec["process"]["cwd"] = json!("/work");
        assert_eq!(case.output_of("pwd"), "/work\n");
    }
);

// crun makes a relative directory an absolute one.
case!(
    "config.md#process",
    the_directory_must_be_absolute,
    [runc, lockgate],
    |case| {
        case.spec["process"]["cwd"] = json!("work");
        case.create_refused();
    }
);

case!(
    "config.md#process",
    the_environment_is_the_configured_one,
    |case| {
        case.spec["process"]["env"] = json!(["PATH=/bin", "A=1", "HOME=/home", "B=x=y z"]);
        case.args(&["cat", "/proc/self/environ"]);
        assert_eq!(case.run(), "PATH=/bin\0A=1\0HOME=/home\0B=x=y z\0");
    }
);

case!(
    "config.md#process",
    the_arguments_are_the_programs,
    |case| {
        case.args(&["cat", "/proc/self/cmdline", "/dev/null"]);
        assert_eq!(case.run(), "cat\0/proc/self/cmdline\0/dev/null\0");
    }
);

case!("config.md#process", a_process_needs_arguments, |case| {
    case.spec["process"]["args"] = json!([]);
    case.create_refused();
});

case!("config.md#posix-process", limits_are_set, |case| {
    case.spec["process"]["rlimits"] = json!([
        { "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 },
        { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 },
    ]);
    let limits = case.output_of("ulimit -Sn; ulimit -Hn; ulimit -Sc");
    assert_eq!(limits, "100\n200\n0\n");
});

// runc takes the last one, crun both in turn.
case!(
    "config.md#posix-process",
    a_limit_is_named_once,
    [lockgate],
    |case| {
        let limit = json!({ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 });
        case.spec["process"]["rlimits"] = json!([limit, limit]);
        case.create_refused();
    }
);

case!(
    "config.md#posix-process",
    a_limit_of_no_known_kind_is_an_error,
    |case| {
        case.spec["process"]["rlimits"] =
            json!([{ "type": "RLIMIT_NONSENSE", "soft": 1, "hard": 1 }]);
        case.create_refused();
    }
);

case!(
    "config.md#linux-process",
    privileges_are_not_gained,
    |case| {
        case.spec["process"]["noNewPrivileges"] = json!(true);
        assert_eq!(
            case.output_of("grep NoNewPrivs /proc/self/status"),
            "NoNewPrivs:\t1\n"
        );
    }
);

case!(
    "config.md#linux-process",
    privileges_may_be_gained_otherwise,
    |case| {
        case.spec["process"]["noNewPrivileges"] = json!(false);
        assert_eq!(
            case.output_of("grep NoNewPrivs /proc/self/status"),
            "NoNewPrivs:\t0\n"
        );
    }
);

case!(
    "config.md#linux-process",
    the_score_for_want_of_memory_is_set,
    |case| {
        case.spec["process"]["oomScoreAdj"] = json!(123);
        assert_eq!(case.output_of("cat /proc/self/oom_score_adj"), "123\n");
    }
);

case!(
    "config.md#linux-process",
    capabilities_are_those_that_are_listed,
    |case| {
        let list = json!(["CAP_CHOWN", "CAP_KILL"]);
        case.spec["process"]["capabilities"] =
            json!({ "bounding": list, "effective": list, "permitted": list });
        let sets = case.output_of("grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status");
        for line in sets.lines() {
            let wanted = if line.starts_with("CapAmb") { 0 } else { 0x21 };
            let set = u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16);
            assert_eq!(set.unwrap(), wanted, "{line}");
        }
    }
);

case!(
    "config.md#linux-process",
    ambient_capabilities_reach_another_user,
    |case| {
        let list = json!(["CAP_NET_BIND_SERVICE"]);
        case.spec["process"]["user"] = json!({ "uid": 7, "gid": 8 });
        case.spec["process"]["capabilities"] = json!({
            "bounding": list, "effective": list, "permitted": list, "inheritable": list, "ambient": list,
        });
        let set = case.output_of("grep CapEff /proc/self/status");
        assert_eq!(set, "CapEff:\t0000000000000400\n");
    }
);

case!(
    "config.md#posix-platform-user",
    the_user_is_the_configured_one,
    |case| {
        case.spec["process"]["user"] = json!({ "uid": 7, "gid": 8, "additionalGids": [9, 10] });
        let ids =
            case.output_of("grep -E '^(Uid|Gid|Groups)' /proc/self/status | tr -s '\\t ' ' '");
        let ids: Vec<&str> = ids.lines().map(str::trim).collect();
        assert_eq!(ids, ["Uid: 7 7 7 7", "Gid: 8 8 8 8", "Groups: 9 10"]);
    }
);

case!(
    "config.md#posix-platform-user",
    the_mask_for_new_files_is_the_users,
    |case| {
        case.spec["process"]["user"] = json!({ "uid": 0, "gid": 0, "umask": 0o27 });
        assert_eq!(case.output_of("umask"), "0027\n");
    }
);

case!(
    "config.md#hostname",
    the_name_is_that_of_the_container_alone,
    |case| {
        let before = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        case.spec["hostname"] = json!("other-name");
        assert_eq!(case.output_of("hostname"), "other-name\n");
        assert_eq!(
            std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
            before
        );
    }
);

// Newer than the versions of runc and crun.
case!(
    "config.md#domainname",
    the_domains_name_is_set,
    [lockgate],
    |case| {
        case.spec["domainname"] = json!("example.test");
        assert_eq!(
            case.output_of("cat /proc/sys/kernel/domainname"),
            "example.test\n"
        );
    }
);

case!(
    "config.md#extensibility",
    unknown_properties_are_no_errors,
    |case| {
        case.spec["org.example.unknown"] = json!({ "a": 1 });
        case.spec["process"]["unknown"] = json!(["x"]);
        assert_eq!(case.output_of("echo fine"), "fine\n");
    }
);

// runc and crun do not look at it.
case!(
    "config.md#specification-version",
    another_major_version_is_refused,
    [lockgate],
    |case| {
        case.spec["ociVersion"] = json!("2.0.0");
        case.create_refused();
    }
);
