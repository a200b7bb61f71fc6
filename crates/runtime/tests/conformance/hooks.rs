//! config.md#posix-platform-hooks and the order of runtime.md#lifecycle.

use std::fs;

use serde_json::{Value, json};

use crate::case::Case;

/// A hook that writes what it is and what it was told.
fn note(case: &Case, name: &str) -> Value {
    let log = case.directory.join("hooks.log");
    let script = format!("state=$(cat); echo \"{name} $state\" >> {}", log.display());
    json!({ "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"] })
}

fn failing(script: &str) -> Value {
    json!({ "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"] })
}

/// The hooks that have run, with the states that they were told.
fn noted(case: &Case) -> Vec<(String, Value)> {
    let text = fs::read_to_string(case.directory.join("hooks.log")).unwrap_or_default();
    let parse = |line: &str| {
        let (name, state) = line.split_once(' ').unwrap();
        (name.to_owned(), serde_json::from_str(state).unwrap())
    };
    text.lines().map(parse).collect()
}

fn names(case: &Case) -> Vec<String> {
    noted(case).into_iter().map(|(name, _)| name).collect()
}

case!(
    "runtime.md#lifecycle",
    hooks_of_the_creation_run_in_order,
    |case| {
        case.spec["hooks"] = json!({
            "prestart": [note(case, "prestart1"), note(case, "prestart2")],
            "createRuntime": [note(case, "createRuntime")],
            "createContainer": [note(case, "createContainer")],
        });
        case.create();
        assert_eq!(
            names(case),
            ["prestart1", "prestart2", "createRuntime", "createContainer"]
        );
        let pid = case.state()["pid"].clone();
        for (name, state) in noted(case) {
            assert_eq!(state["id"], case.id, "{name}");
            assert_eq!(state["bundle"], json!(case.bundle()), "{name}");
            if name != "createContainer" {
                assert_eq!(state["pid"], pid, "{name}");
            }
        }
    }
);

case!(
    "config.md#createcontainer-hooks",
    it_runs_in_the_containers_namespaces,
    |case| {
        let log = case.directory.join("where");
        let script = format!(
            "for n in uts net; do readlink /proc/self/ns/$n; done > {}",
            log.display()
        );
        case.spec["hooks"] = json!({ "createContainer": [failing(&script)] });
        case.create();
        let pid = &case.state()["pid"];
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap();
        let wanted = format!("{}\n{}\n", link("uts").display(), link("net").display());
        assert_eq!(fs::read_to_string(log).unwrap(), wanted);
    }
);

case!(
    "config.md#startcontainer-hooks",
    it_runs_in_the_container_before_the_program,
    |case| {
        let shared = case.share();
        case.spec["hooks"] = json!({ "startContainer": [
        { "path": "/bin/sh", "args": ["sh", "-c", "echo hook >> /shared/log"], "env": ["PATH=/bin"] },
    ] });
        case.script("echo program >> /shared/log");
        case.create();
        assert!(!shared.join("log").exists());
        case.start();
        case.wait_for("stopped");
        assert_eq!(
            fs::read_to_string(shared.join("log")).unwrap(),
            "hook\nprogram\n"
        );
    }
);

// runc 1.1 runs it at the creation.
case!(
    "config.md#poststart",
    it_runs_after_the_start,
    [crun, lockgate],
    |case| {
        case.spec["hooks"] = json!({ "poststart": [note(case, "poststart")] });
        case.args(&["sleep", "100"]);
        case.create();
        assert!(noted(case).is_empty());
        case.start();
        assert_eq!(names(case), ["poststart"]);
    }
);

case!("config.md#poststop", it_runs_after_the_removal, |case| {
    case.spec["hooks"] = json!({ "poststop": [note(case, "poststop")] });
    case.create();
    case.start();
    case.wait_for("stopped");
    assert!(noted(case).is_empty());
    case.ok(&["delete", &case.id]);
    assert_eq!(names(case), ["poststop"]);
});

case!(
    "runtime.md#lifecycle",
    a_failed_hook_of_the_creation_ends_it,
    |case| {
        case.spec["hooks"] = json!({
            "createRuntime": [failing("echo reason >&2; exit 3"), note(case, "never")],
            "poststop": [note(case, "poststop")],
        });
        let text = case.create_refused();
        assert!(text.contains("hook"), "{text}");
        case.refused(&["state", &case.id]);
        assert!(!names(case).contains(&"never".to_owned()));
    }
);

case!(
    "runtime.md#lifecycle",
    a_failed_hook_in_the_container_ends_its_creation,
    |case| {
        case.spec["hooks"] = json!({ "createContainer": [failing("exit 3")] });
        case.create_refused();
        case.refused(&["state", &case.id]);
    }
);

// runc and crun do not wait for it.
case!(
    "runtime.md#lifecycle",
    a_failed_hook_of_the_start_is_the_starts_error,
    [lockgate],
    |case| {
        let shared = case.share();
        case.script("touch /shared/ran");
        case.spec["hooks"] = json!({ "startContainer": [
        { "path": "/bin/sh", "args": ["sh", "-c", "echo reason >&2; exit 3"] },
    ] });
        case.create();
        let text = case.refused(&["start", &case.id]);
        assert!(
            text.contains("startContainer") && text.contains("reason"),
            "{text}"
        );
        case.wait_for("stopped");
        assert!(!shared.join("ran").exists());
    }
);

// runc stops at the first.
case!(
    "runtime.md#lifecycle",
    a_failed_hook_after_the_end_is_a_warning,
    [crun, lockgate],
    |case| {
        // It takes its state first: crun dies of the broken pipe if the hook is faster than its pen.
        let failed = failing("cat >/dev/null; exit 3");
        case.spec["hooks"] = json!({ "poststop": [failed, note(case, "poststop")] });
        case.create();
        case.start();
        case.wait_for("stopped");
        case.ok(&["delete", &case.id]);
        assert_eq!(names(case), ["poststop"]);
    }
);

case!(
    "config.md#posix-platform-hooks",
    a_hook_that_takes_too_long_fails,
    |case| {
        let mut hook = failing("exec sleep 100");
        hook["timeout"] = json!(1);
        case.spec["hooks"] = json!({ "createRuntime": [hook] });
        case.create_refused();
    }
);

case!(
    "config.md#posix-platform-hooks",
    a_hooks_environment_is_its_own,
    |case| {
        let log = case.directory.join("env");
        let hook = json!({
            "path": "/bin/sh", "args": ["sh", "-c", format!("cat /proc/self/environ > {}", log.display())],
            "env": ["PATH=/usr/bin:/bin", "A=b"],
        });
        case.spec["hooks"] = json!({ "createRuntime": [hook] });
        case.create();
        let environment = fs::read_to_string(log).unwrap();
        assert!(
            environment.contains("A=b\0") && !environment.contains("CARGO"),
            "{environment}"
        );
    }
);
