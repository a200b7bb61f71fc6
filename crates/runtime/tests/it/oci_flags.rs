//! Flags and commands beyond the life of a container, the same way on Debian's runc and on ours.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

use crate::oci::Runtime;

fn start(runtime: &Runtime) {
    runtime.prepare(|_| {});
    let made = runtime.launch(&["run", "--detach", "box"]);
    assert!(made.0, "{}: {made:?}", runtime.name());
}

fn limit_of(runtime: &Runtime, controller: &str, v1: &str, v2: &str) -> String {
    let below = runtime.fixture.cgroup.join(runtime.fixture.id.as_str());
    let below = below.strip_prefix("/").unwrap();
    let unified = Path::new("/sys/fs/cgroup").join(below).join(v2);
    let path = if unified.exists() {
        unified
    } else {
        Path::new("/sys/fs/cgroup")
            .join(controller)
            .join(below)
            .join(v1)
    };
    fs::read_to_string(path).unwrap().trim().to_owned()
}

#[test]
fn update_changes_limits_by_flags_and_by_a_file() {
    Runtime::each(&["sleep", "100"], |runtime| {
        start(runtime);
        let done = runtime.run(&["update", "--memory", "64m", "--pids-limit", "33", "box"]);
        assert!(done.status.success(), "{}: {done:?}", runtime.name());
        let memory = || limit_of(runtime, "memory", "memory.limit_in_bytes", "memory.max");
        assert_eq!(memory(), (64 << 20).to_string(), "{}", runtime.name());
        assert_eq!(limit_of(runtime, "pids", "pids.max", "pids.max"), "33");
        let mut update = runtime
            .command(&["update", "--resources", "-", "box"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let json = br#"{ "memory": { "limit": 33554432 } }"#;
        update.stdin.take().unwrap().write_all(json).unwrap();
        assert!(update.wait().unwrap().success(), "{}", runtime.name());
        assert_eq!(memory(), (32 << 20).to_string());
        assert!(runtime.run(&["delete", "--force", "box"]).status.success());
    });
}

#[test]
fn statistics_have_runcs_form() {
    let mut forms = Vec::new();
    for runtime in Runtime::both(&["sleep", "100"]) {
        start(&runtime);
        let output = runtime.run(&["events", "--stats", "box"]);
        let event: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&event["type"], &event["id"]),
            (&"stats".into(), &"box".into())
        );
        let data = &event["data"];
        assert!(
            data["memory"]["usage"]["usage"].as_u64().unwrap() > 0,
            "{data}"
        );
        assert!(
            data["cpu"]["usage"]["total"].as_u64().unwrap() > 0,
            "{data}"
        );
        assert_eq!(data["pids"]["current"], 1);
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        // What only runc counts.
        let mut form = keys(data);
        form.retain(|name| name != "cpuset");
        form.extend(keys(&data["memory"]["usage"]));
        forms.push(form);
        assert!(runtime.run(&["delete", "--force", "box"]).status.success());
    }
    assert_eq!(forms[1], forms[0]);
}

#[test]
fn events_go_on_until_the_container_ends() {
    Runtime::each(&["sleep", "100"], |runtime| {
        start(runtime);
        let mut events = runtime
            .command(&["events", "--interval", "100ms", "box"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
        for _ in 0..2 {
            assert!(
                lines.next().unwrap().unwrap().contains("\"stats\""),
                "{}",
                runtime.name()
            );
        }
        assert!(runtime.run(&["delete", "--force", "box"]).status.success());
        for line in lines {
            drop(line);
        }
        events.wait().unwrap();
    });
}

#[test]
fn ps_shows_what_the_hosts_ps_shows() {
    Runtime::each(&["sleep", "100"], |runtime| {
        start(runtime);
        let table = runtime.run(&["ps", "box", "-o", "pid,args"]);
        let text = String::from_utf8_lossy(&table.stdout).into_owned();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let pid = runtime.state("box")["pid"].to_string();
        assert_eq!(lines.len(), 2, "{}: {text}", runtime.name());
        assert!(lines[0].starts_with("PID"), "{text}");
        assert_eq!(lines[1], format!("{pid} sleep 100"));
        let listed = runtime.run(&["list"]);
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(text.lines().nth(1).unwrap().ends_with("root"), "{text}");
        assert!(runtime.run(&["delete", "--force", "box"]).status.success());
    });
}

#[test]
fn descriptors_are_handed_over_on_request() {
    let script = "for fd in 3 4 5; do [ -e /proc/self/fd/$fd ] && echo $fd; done; cat <&3";
    Runtime::each(&["sh", "-c", script], |runtime| {
        runtime.prepare(|_| {});
        fs::write(runtime.fixture.directory.join("three"), "contents").unwrap();
        // The shell opens them; std's commands close all but the standard ones.
        let call = format!(
            "exec 3<{d}/three 4</dev/null; exec {program} --root {d}/state run --preserve-fds 2 box",
            d = runtime.fixture.directory.display(),
            program = runtime.program.display(),
        );
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &call])
            .current_dir(runtime.bundle())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text, "3\n4\ncontents", "{}: {output:?}", runtime.name());
    });
}

#[test]
fn sockets_of_a_service_manager_reach_the_program() {
    let script = "echo $LISTEN_FDS $LISTEN_PID; cat <&3";
    Runtime::each(&["sh", "-c", script], |runtime| {
        runtime.prepare(|_| {});
        fs::write(runtime.fixture.directory.join("three"), "contents").unwrap();
        let call = format!(
            "exec 3<{d}/three; export LISTEN_FDS=1 LISTEN_PID=$$; exec {program} --root {d}/state run box",
            d = runtime.fixture.directory.display(),
            program = runtime.program.display(),
        );
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &call])
            .current_dir(runtime.bundle())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text, "1 1\ncontents", "{}: {output:?}", runtime.name());
    });
}

#[test]
fn a_root_that_cannot_be_pivoted_away_is_moved() {
    let script = "ls /; grep -c ' /proc ' /proc/self/mounts";
    Runtime::each(&["sh", "-c", script], |runtime| {
        runtime.prepare(|_| {});
        let output = runtime.run(&["run", "--no-pivot", "box"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {output:?}", runtime.name());
        assert!(text.contains("bin\n") && !text.contains("usr"), "{text}");
    });
}

#[test]
fn exec_takes_a_process_of_a_file() {
    Runtime::each(&["sleep", "100"], |runtime| {
        start(runtime);
        let process = serde_json::json!({
            "args": ["sh", "-c", "id -u; pwd; echo $A; grep CapEff /proc/self/status"],
            "cwd": "/tmp",
            "env": ["PATH=/bin", "A=b"],
            "user": { "uid": 7, "gid": 8 },
        });
        let path = runtime.fixture.directory.join("process.json");
        fs::write(&path, process.to_string()).unwrap();
        let output = runtime.run(&["exec", "--process", path.to_str().unwrap(), "box"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            text,
            "7\n/tmp\nb\nCapEff:\t0000000000000000\n",
            "{}: {output:?}",
            runtime.name()
        );
        let pid_file = runtime.fixture.directory.join("exec.pid");
        let args = [
            "exec",
            "--detach",
            "--pid-file",
            pid_file.to_str().unwrap(),
            "box",
            "sleep",
            "50",
        ];
        assert!(runtime.launch(&args).0, "{}", runtime.name());
        let pid = fs::read_to_string(&pid_file).unwrap();
        assert!(Path::new("/proc").join(pid).exists());
        assert!(runtime.run(&["delete", "--force", "box"]).status.success());
    });
}

#[test]
fn a_specification_for_an_ordinary_user_has_a_user_namespace() {
    Runtime::each(&["true"], |runtime| {
        assert!(runtime.run(&["spec", "--rootless"]).status.success());
        let text = fs::read_to_string(runtime.bundle().join("config.json")).unwrap();
        let spec: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kinds: Vec<&str> = spec["linux"]["namespaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n["type"].as_str().unwrap())
            .collect();
        assert!(
            kinds.contains(&"user") && !kinds.contains(&"network"),
            "{}: {kinds:?}",
            runtime.name()
        );
        assert_eq!(spec["linux"]["uidMappings"][0]["size"], 1);
        assert!(!text.contains("gid=5"), "{}", runtime.name());
    });
}

#[test]
fn features_name_the_hooks_and_namespaces() {
    Runtime::each(&["true"], |runtime| {
        let output = runtime.run(&["features"]);
        let features: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            features["hooks"].as_array().unwrap().len(),
            6,
            "{}",
            runtime.name()
        );
        assert!(features["linux"]["namespaces"].as_array().unwrap().len() >= 7);
    });
}
