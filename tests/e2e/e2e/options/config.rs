//! `ContainerConfig`: what runs inside.

use serde_json::{Value, json};

use super::Case;
use super::lab::{Lab, id};

fn shown(lab: &Lab, key: &str, value: &Value) {
    let seen = lab.shown(&json!({ key: value }), &format!("/Config/{key}"));
    assert_eq!(seen, *value, "{key}");
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // For images of Windows; kept and shown.
    ("ContainerConfig.ArgsEscaped", |lab| shown(lab, "ArgsEscaped", &json!(true))),
    // What the client that makes the container means to attach to; attach itself says it again.
    ("ContainerConfig.AttachStderr", |lab| shown(lab, "AttachStderr", &json!(true))),
    ("ContainerConfig.AttachStdin", |lab| shown(lab, "AttachStdin", &json!(true))),
    ("ContainerConfig.AttachStdout", |lab| shown(lab, "AttachStdout", &json!(true))),
    ("ContainerConfig.Cmd", |lab| {
        let id = id(&lab.start_container(&json!({ "Cmd": ["echo", "a b", "c"] })));
        assert_eq!(lab.finish(&id), "a b c");
        assert!(lab.refused(&json!({ "Cmd": ["nope"] })).1.contains("exec: \"nope\": executable file not found in $PATH"));
        assert!(lab.refused(&json!({ "Cmd": ["/etc"] })).1.contains("exec: \"/etc\": is a directory: permission denied"));
    }),
    ("ContainerConfig.Domainname", |lab| {
        assert_eq!(lab.run(&json!({ "Domainname": "a.example" }), "cat /proc/sys/kernel/domainname"), "a.example");
        let shared = json!({ "Domainname": "a.example", "HostConfig": { "UTSMode": "host" } });
        assert!(lab.refused(&shared).1.contains("sysctl \"kernel.domainname\" is not in a separate kernel namespace"));
    }),
    ("ContainerConfig.Entrypoint", |lab| {
        let id = id(&lab.start_container(&json!({ "Entrypoint": ["echo", "in"], "Cmd": ["out"] })));
        assert_eq!(lab.finish(&id), "in out");
    }),
    ("ContainerConfig.Env", |lab| {
        assert_eq!(lab.run(&json!({ "Env": ["A=1", "HOME"] }), "echo $A$HOME"), "1/root");
        assert_eq!(lab.refused(&json!({ "Env": ["=x"] })).1, "invalid environment variable: =x");
    }),
    ("ContainerConfig.ExposedPorts", |lab| {
        let asked = json!({ "Cmd": ["sleep", "60"], "ExposedPorts": { "81/tcp": {} }, "HostConfig": { "NetworkMode": "bridge" } });
        let id = id(&lab.start_container(&asked));
        assert!(lab.inspect(&id)["NetworkSettings"]["Ports"].as_object().unwrap().contains_key("81/tcp"));
        lab.remove(&id);
    }),
    ("ContainerConfig.Healthcheck", |lab| {
        let check = json!({ "Test": ["CMD", "true"], "Interval": 100_000_000 });
        let id = id(&lab.start_container(&json!({ "Cmd": ["sleep", "60"], "Healthcheck": check })));
        lockgate_testkit::eventually("it is healthy", || (lab.inspect(&id)["State"]["Health"]["Status"] == "healthy").then_some(()));
        lab.remove(&id);
        let short = json!({ "Healthcheck": { "Test": ["CMD", "true"], "Interval": 5 } });
        assert_eq!(lab.refused(&short).1, "Interval in Healthcheck cannot be less than 1ms");
    }),
    ("ContainerConfig.Hostname", |lab| {
        assert_eq!(lab.run(&json!({ "Hostname": "name" }), "hostname; cat /etc/hostname"), "name\nname");
        let shared = json!({ "Hostname": "x", "HostConfig": { "UTSMode": "host" } });
        assert_eq!(lab.refused(&shared).1, "conflicting options: hostname and the UTS mode");
    }),
    ("ContainerConfig.Image", |lab| {
        assert_eq!(lab.refused(&json!({ "Image": "nope" })), (404, "No such image: nope:latest".to_owned()));
    }),
    ("ContainerConfig.Labels", |lab| {
        let made = lab.create(&json!({ "Labels": { "proof": "1" } })).1;
        let filter = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22proof%3D1%22%5D%7D";
        assert_eq!(lab.daemon.api("GET", filter, None).json()[0]["Id"], made["Id"]);
        lab.remove(&id(&made));
    }),
    ("ContainerConfig.NetworkDisabled", |lab| {
        let asked = json!({ "NetworkDisabled": true, "HostConfig": { "NetworkMode": "bridge" } });
        assert_eq!(lab.run(&asked, "ls /sys/class/net"), "lo");
    }),
    // For builds from an image of the container.
    ("ContainerConfig.OnBuild", |lab| shown(lab, "OnBuild", &json!(["RUN x"]))),
    ("ContainerConfig.OpenStdin", |lab| {
        let open = json!({ "Tty": false, "OpenStdin": true, "Cmd": ["cat"] });
        let started = id(&lab.start_container(&open));
        assert_eq!(lab.inspect(&started)["State"]["Running"], true);
        lab.remove(&started);
        let closed = id(&lab.start_container(&json!({ "Tty": false, "Cmd": ["cat"] })));
        assert_eq!(lab.finish(&closed), "");
    }),
    ("ContainerConfig.Shell", |lab| shown(lab, "Shell", &json!(["/bin/ash", "-c"]))),
    ("ContainerConfig.StdinOnce", |lab| {
        lab.daemon.docker(&["create", "-i", "--name", "once", "--network", "none", "busybox", "cat"]).ok();
        assert_eq!(lab.daemon.inspect("once", "{{.Config.StdinOnce}}"), "true");
        let mut start = lab.daemon.docker_command();
        start.args(["start", "-ai", "once"]);
        assert_eq!(lockgate_testkit::run(&mut start, b"through").ok(), "through");
        lab.daemon.docker(&["rm", "once"]).ok();
    }),
    ("ContainerConfig.StopSignal", |lab| {
        let script = "trap 'echo usr1; exit 0' USR1; echo up; while :; do sleep 0.05; done";
        let id = id(&lab.start_container(&json!({ "StopSignal": "SIGUSR1", "Cmd": ["sh", "-c", script] })));
        lockgate_testkit::eventually("the trap is set", || {
            lab.daemon.api("GET", &format!("/containers/{id}/logs?stdout=1"), None).text().contains("up").then_some(())
        });
        lab.daemon.api("POST", &format!("/containers/{id}/stop"), None);
        assert_eq!(lab.finish(&id), "up\nusr1");
        assert_eq!(lab.refused(&json!({ "StopSignal": "foo" })).1, "invalid signal: foo");
    }),
    ("ContainerConfig.StopTimeout", |lab| {
        // Process 1 ignores SIGTERM; without the timeout it would live for ten seconds more.
        let id = id(&lab.start_container(&json!({ "StopTimeout": 0, "Cmd": ["sleep", "60"] })));
        let before = std::time::Instant::now();
        lab.daemon.api("POST", &format!("/containers/{id}/stop"), None);
        assert!(before.elapsed() < std::time::Duration::from_secs(8));
        assert_eq!(lab.inspect(&id)["State"]["ExitCode"], 137);
        lab.remove(&id);
    }),
    ("ContainerConfig.Tty", |lab| {
        assert_eq!(lab.run(&json!({ "Tty": true }), "tty"), "/dev/pts/0");
        assert!(lab.run(&json!({ "Tty": false }), "tty").contains("not a tty"));
    }),
    ("ContainerConfig.User", |lab| {
        assert_eq!(lab.run(&json!({ "User": "user:extra" }), "id -u; id -g"), "1000\n2000");
        assert_eq!(lab.refused(&json!({ "User": "nope" })).1, "unable to find user nope: no matching entries in passwd file");
    }),
    ("ContainerConfig.Volumes", |lab| {
        assert!(lab.run(&json!({ "Volumes": { "/vol": {} } }), "grep ' /vol ' /proc/mounts").contains(" /vol "));
    }),
    ("ContainerConfig.WorkingDir", |lab| {
        assert_eq!(lab.run(&json!({ "WorkingDir": "/a/b" }), "busybox pwd"), "/a/b");
        assert_eq!(lab.refused(&json!({ "WorkingDir": "a" })).1, "the working directory 'a' is invalid, it needs to be an absolute path");
    }),
];
