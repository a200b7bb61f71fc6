//! runtime.md: the state, the operations and the life of a container.

use std::fs;

use serde_json::json;

use crate::case::{Case, eventually};

case!(
    "runtime.md#state",
    state_says_what_a_created_container_is,
    |case| {
        case.spec["annotations"] = json!({ "org.example.key": "value" });
        case.create();
        let state = case.state();
        assert_eq!(state["id"], case.id);
        assert_eq!(state["status"], "created");
        assert_eq!(state["bundle"], json!(case.bundle()));
        assert!(state["ociVersion"].as_str().unwrap().starts_with("1."));
        let pid = state["pid"].as_i64().unwrap();
        assert!(fs::exists(format!("/proc/{pid}")).unwrap());
        assert_eq!(state["annotations"]["org.example.key"], "value");
    }
);

case!(
    "runtime.md#query-state",
    state_needs_the_id_of_a_container,
    |case| {
        case.refused(&["state"]);
        case.refused(&["state", "nobody"]);
    }
);

case!("runtime.md#create", an_id_is_given_once, |case| {
    case.args(&["sleep", "100"]);
    case.create();
    let before = case.state();
    case.create_refused();
    assert_eq!(case.state(), before);
});

case!(
    "runtime.md#create",
    the_program_waits_for_the_start,
    |case| {
        let shared = case.share();
        case.script("touch /shared/ran");
        case.create();
        assert_eq!(case.status(), "created");
        assert!(!shared.join("ran").exists());
        case.start();
        case.wait_for("stopped");
        assert!(shared.join("ran").exists());
    }
);

case!(
    "runtime.md#create",
    later_changes_of_the_configuration_mean_nothing,
    |case| {
        let shared = case.share();
        case.script("touch /shared/first");
        case.create();
        case.script("touch /shared/second");
        case.write_config();
        case.start();
        case.wait_for("stopped");
        assert!(shared.join("first").exists() && !shared.join("second").exists());
    }
);

case!("runtime.md#create", create_needs_a_configuration, |case| {
    case.refused(&["create", &case.id]);
    assert!(!case.directory.join("state").join(&case.id).exists());
});

case!("runtime.md#create", what_fails_leaves_nothing, |case| {
    case.args(&["/nowhere/program"]);
    case.create_refused();
    case.refused(&["state", &case.id]);
    case.args(&["true"]);
    case.create();
});

case!(
    "runtime.md#start",
    only_what_is_created_can_be_started,
    |case| {
        case.refused(&["start"]);
        case.refused(&["start", "nobody"]);
        case.args(&["sleep", "100"]);
        case.create();
        case.start();
        case.wait_for("running");
        let before = case.state();
        case.refused(&["start", &case.id]);
        assert_eq!(case.state(), before);
        case.ok(&["kill", &case.id, "KILL"]);
        case.wait_for("stopped");
        case.refused(&["start", &case.id]);
        assert_eq!(case.status(), "stopped");
    }
);

case!("runtime.md#kill", the_signal_reaches_the_program, |case| {
    let shared = case.share();
    case.script(
        "trap 'touch /shared/told; exit 0' USR1; touch /shared/ready; while :; do sleep 0.05; done",
    );
    case.create();
    case.start();
    eventually("the program is ready", || shared.join("ready").exists());
    case.ok(&["kill", &case.id, "USR1"]);
    eventually("the program was told", || shared.join("told").exists());
    case.wait_for("stopped");
});

case!(
    "runtime.md#kill",
    only_what_is_created_or_runs_can_be_killed,
    |case| {
        case.refused(&["kill", "nobody", "KILL"]);
        case.args(&["sleep", "100"]);
        case.create();
        case.ok(&["kill", &case.id, "KILL"]);
        case.wait_for("stopped");
        case.refused(&["kill", &case.id, "KILL"]);
        assert_eq!(case.status(), "stopped");
    }
);

case!("runtime.md#delete", what_runs_is_not_deleted, |case| {
    case.args(&["sleep", "100"]);
    case.create();
    case.start();
    case.wait_for("running");
    let before = case.state();
    case.refused(&["delete", &case.id]);
    assert_eq!(case.state(), before);
});

case!("runtime.md#delete", what_create_made_is_undone, |case| {
    case.args(&["sleep", "100"]);
    case.spec["linux"]["resources"] = json!({ "memory": { "limit": 64 << 20 } });
    case.create();
    case.start();
    assert_eq!(
        case.cgroup_file("memory", "memory.limit_in_bytes", "memory.max"),
        "67108864"
    );
    case.kill_and_delete();
    case.refused(&["state", &case.id]);
    let pid = |name: &str| {
        std::path::Path::new("/sys/fs/cgroup")
            .join(name)
            .join(&case.cgroup[1..])
    };
    assert!(!pid("memory").exists() && !pid(".").exists());
    assert!(
        case.rootfs().join("bin/busybox").exists(),
        "what it did not make stays"
    );
    case.create();
});

case!(
    "runtime.md#delete",
    delete_needs_the_id_of_a_container,
    |case| {
        case.refused(&["delete"]);
        case.refused(&["delete", "nobody"]);
    }
);

case!(
    "runtime.md#lifecycle",
    the_end_of_the_program_is_the_containers,
    |case| {
        case.script("exit 0");
        case.create();
        case.start();
        case.wait_for("stopped");
        let state = case.state();
        assert!(state["pid"].as_i64().unwrap_or(0) == 0, "{state}");
        case.ok(&["delete", &case.id]);
    }
);

case!(
    "runtime-linux.md#file-descriptors",
    the_program_gets_the_standard_descriptors_alone,
    |case| {
        let open = case.output_of("ls /proc/self/fd");
        // The fourth is the directory that is being listed.
        assert_eq!(open.lines().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    }
);

case!(
    "runtime-linux.md#dev-symbolic-links",
    links_to_the_descriptors_are_made,
    |case| {
        let links = case.output_of("for l in fd stdin stdout stderr; do readlink /dev/$l; done");
        assert_eq!(
            links.lines().collect::<Vec<_>>(),
            [
                "/proc/self/fd",
                "/proc/self/fd/0",
                "/proc/self/fd/1",
                "/proc/self/fd/2"
            ]
        );
    }
);
