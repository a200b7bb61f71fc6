//! diff, export and commit.

use lockgate_testkit::{Daemon, run};
use serde_json::json;

use crate::files::now;

const CHANGE: &str = "echo new > /new; mkdir -p /nd/x; echo y > /nd/x/y; rm /etc/group; echo more >> /etc/passwd; \
    rm -rf /home; mkdir /home; echo t > /home/t; chmod 700 /var; busybox ln -s q /lnk; rm -rf /root";

fn changed() -> Daemon {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let run = [
        "run", "--name", "cc", "-e", "OWN=1", "--label", "l=1", "busybox", "sh", "-c", CHANGE,
    ];
    daemon.docker(&run).ok();
    daemon
}

#[test]
fn diff_tells_what_a_container_has_changed() {
    let daemon = changed();
    let wanted = "C /etc\nD /etc/group\nC /etc/passwd\nC /home\nA /home/t\nA /lnk\nA /nd\nA /nd/x\nA /nd/x/y\nA /new\nD /root\nC /var";
    for found in [
        daemon.docker(&["diff", "cc"]),
        daemon.lockgate(&["diff", "cc"]),
    ] {
        assert_eq!(found.ok(), wanted, "{found}");
    }
    daemon
        .docker(&["create", "--name", "untouched", "busybox"])
        .ok();
    assert_eq!(
        daemon
            .api("GET", "/containers/untouched/changes", None)
            .text(),
        "null\n"
    );
    daemon
        .docker(&["run", "--name", "ran", "busybox", "true"])
        .ok();
    assert_eq!(daemon.docker(&["diff", "ran"]).ok(), "");
}

#[test]
fn an_export_is_the_root_file_system_without_volumes() {
    let daemon = changed();
    daemon
        .docker(&[
            "run",
            "--name",
            "vv",
            "-v",
            "/vol",
            "busybox",
            "sh",
            "-c",
            "echo x > /vol/in; echo y > /y",
        ])
        .ok();
    for client in ["docker", "lockgate"] {
        let path = daemon.path(&format!("{client}.tar"));
        let path = path.to_str().unwrap();
        let mut command = if client == "docker" {
            daemon.docker_command()
        } else {
            daemon.lockgate_command()
        };
        run(command.args(["export", "-o", path, "vv"]), b"").ok();
        let mut tar = tar::Archive::new(std::fs::File::open(path).unwrap());
        let names: Vec<String> = tar
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        for name in ["bin/busybox", "etc/passwd", "y", "vol/"] {
            assert!(names.iter().any(|n| n == name), "{name} is missing");
        }
        assert!(!names.iter().any(|n| n == "vol/in"), "{names:?}");
    }
    let image = daemon.path("docker.tar");
    daemon
        .docker(&["import", image.to_str().unwrap(), "flat"])
        .ok();
    assert_eq!(
        daemon.docker(&["run", "--rm", "flat", "cat", "/y"]).ok(),
        "y"
    );
}

#[test]
fn a_commit_is_an_image_of_what_changed() {
    let daemon = changed();
    let id = daemon.docker(&[
        "commit",
        "-a",
        "me",
        "-m",
        "why",
        "-c",
        "ENV A=b",
        "-c",
        "CMD echo $A$OWN",
        "cc",
        "foo:bar",
    ]);
    let id = id.ok().to_owned();
    assert_eq!(daemon.docker(&["run", "--rm", "foo:bar"]).ok(), "b1");
    let script = "cat /new /nd/x/y /home/t; busybox tail -n 1 /etc/passwd; ls /etc/group /root; busybox stat -c %a /var";
    let ran = daemon.docker(&["run", "--rm", "foo:bar", "sh", "-c", script]);
    assert_eq!(ran.ok(), "new\ny\nt\nmore\n700", "{ran}");
    assert!(
        ran.stderr.contains("/etc/group") && ran.stderr.contains("/root"),
        "{ran}"
    );
    let about = daemon.docker(&["inspect", "--type", "image", "foo:bar"]);
    let about: serde_json::Value = serde_json::from_str(about.ok()).unwrap();
    let about = &about[0];
    assert_eq!(about["Id"], json!(id));
    assert_eq!(
        (&about["Author"], &about["Comment"]),
        (&json!("me"), &json!("why"))
    );
    assert_eq!(about["Config"]["Labels"], json!({"l": "1"}));
    assert_eq!(
        about["Config"]["Cmd"],
        json!(["/bin/sh", "-c", "echo $A$OWN"])
    );
    assert_eq!(about["RootFS"]["Layers"].as_array().unwrap().len(), 2);
    let history = daemon.docker(&[
        "history",
        "--no-trunc",
        "--format",
        "{{.CreatedBy}}|{{.Comment}}",
        "foo:bar",
    ]);
    assert_eq!(
        history.ok().lines().next().unwrap(),
        format!("sh -c {CHANGE}|why")
    );
    let events = daemon.docker(&[
        "events",
        "--since",
        "1h",
        "--until",
        &now(),
        "--format",
        "{{.Type}} {{.Action}} {{.Actor.Attributes.imageRef}}{{.Actor.Attributes.name}}",
    ]);
    let events = events.ok();
    let at = |line: &str| {
        events
            .lines()
            .position(|l| l == line)
            .unwrap_or_else(|| panic!("no {line}: {events}"))
    };
    assert!(at(&format!("image create <no value>{id}")) < at("image tag <no value>foo:bar"));
    assert!(at("image tag <no value>foo:bar") < at("container commit foo:barcc"));
}

#[test]
fn a_commit_of_a_running_container_freezes_it_unless_told_not_to() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "rr", "busybox", "sleep", "600"])
        .ok();
    // The second commit adds no pause to that of the first.
    for pause in ["true", "false"] {
        let image = daemon.lockgate(&["commit", &format!("--pause={pause}"), "rr"]);
        let layers = [
            "inspect",
            "--type",
            "image",
            "--format",
            "{{len .RootFS.Layers}}",
            image.ok(),
        ];
        assert_eq!(
            daemon.docker(&layers).ok(),
            "1",
            "nothing changed, so there is no layer"
        );
        let events = [
            "events",
            "--since",
            "1h",
            "--until",
            &now(),
            "--filter",
            "event=pause",
            "--format",
            "{{.Action}}",
        ];
        assert_eq!(daemon.docker(&events).ok(), "pause");
        assert_eq!(daemon.inspect("rr", "{{.State.Status}}"), "running");
    }
}

#[test]
fn a_saved_commit_is_read_back_and_refusals_have_dockers_words() {
    let daemon = changed();
    daemon.lockgate(&["commit", "cc", "keep:1"]).ok();
    let path = daemon.path("keep.tar");
    let path = path.to_str().unwrap();
    daemon.docker(&["save", "-o", path, "keep:1"]).ok();
    daemon.docker(&["rmi", "keep:1"]).ok();
    daemon.docker(&["load", "-i", path]).ok();
    let seen = daemon.docker(&[
        "run",
        "--rm",
        "keep:1",
        "sh",
        "-c",
        "ls /home; ls /etc/group",
    ]);
    assert_eq!((seen.stdout.as_str(), seen.code()), ("t\n", 1), "{seen}");
    for (query, status, message) in [
        ("container=nope", 404, "No such container: nope"),
        (
            "container=cc&repo=FOO",
            400,
            "invalid reference format: repository name (library/FOO) must be lowercase",
        ),
        (
            "container=cc&changes=NOPE",
            400,
            "NOPE is not a valid change command",
        ),
        (
            "container=cc&changes=RUN+x",
            400,
            "RUN is not a valid change command",
        ),
        ("", 400, "invalid name or ID supplied: \"\""),
    ] {
        let answer = daemon.api("POST", &format!("/commit?{query}"), None);
        assert_eq!(answer.status, status, "{query}");
        assert_eq!(answer.json()["message"], message, "{query}");
    }
    let disabled = "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.";
    for (method, path) in [
        ("GET", "checkpoints"),
        ("POST", "checkpoints"),
        ("DELETE", "checkpoints/x"),
    ] {
        let answer = daemon.api(method, &format!("/containers/cc/{path}"), Some("{}"));
        assert_eq!(
            (answer.status, &answer.json()["message"]),
            (501, &json!(disabled))
        );
    }
}
