//! What experienced users of Docker rely on without thinking of it; each answer is dockerd 28.5.2's.

use lockgate_testkit::{Daemon, eventually};
use serde_json::json;

fn sleeper(daemon: &Daemon, name: &str, args: &[&str]) {
    let run = ["run", "--detach", "--name", name, "--network", "none"];
    let command = ["busybox", "sleep", "1000"];
    daemon.docker(&[&run[..], args, &command].concat()).ok();
}

fn state(daemon: &Daemon, name: &str) -> String {
    let format = "{{.State.Status}}";
    let ended = daemon.docker(&["inspect", "--format", format, name]);
    ended.ok().trim().to_owned()
}

#[test]
fn a_program_finds_out_that_it_is_in_a_container() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let look = "ls /.dockerenv; readlink /etc/mtab; touch /new";
    let ended = daemon.docker(&["run", "--name", "look", "busybox", "sh", "-c", look]);
    assert_eq!(ended.ok(), "/.dockerenv\n/proc/mounts");
    // They are nobody's changes.
    let changes = daemon.docker(&["diff", "look"]);
    assert_eq!(changes.ok(), "A /new");
    daemon.docker(&["commit", "look", "made"]).ok();
    let history = ["history", "--format", "{{.Size}}", "made"];
    let sizes = daemon.docker(&history);
    assert!(sizes.ok().starts_with("0B"), "{}", sizes.stdout);
    // A container that never ran has them as well.
    daemon.docker(&["create", "--name", "idle", "busybox"]).ok();
    daemon.docker(&["cp", "idle:/.dockerenv", "-"]).ok();
    let list = "/v1.51/containers/json?all=1&size=1";
    let list = daemon.api("GET", list, None).json();
    let sizes = list.as_array().unwrap().iter();
    assert!(
        sizes
            .clone()
            .all(|one| one["SizeRw"].as_i64().unwrap_or_default() == 0),
        "{list}"
    );
}

#[test]
fn an_exec_has_its_containers_limits() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let limits = ["--ulimit", "nofile=111:222", "--ulimit", "core=0:0"];
    sleeper(&daemon, "limited", &limits);
    let show = "ulimit -n; ulimit -Hn; ulimit -c";
    let ended = daemon.docker(&["exec", "limited", "sh", "-c", show]);
    assert_eq!(ended.ok(), "111\n222\n0");
}

#[test]
fn an_exec_is_shown_resized_and_refused_as_dockerd_does() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    sleeper(&daemon, "main", &["--user", "user"]);
    let empty = daemon.docker(&["exec", "main", ""]);
    assert_eq!(empty.status.code(), Some(127), "{empty}");
    let create = |body: serde_json::Value| {
        let answer = daemon.api("POST", "/containers/main/exec", Some(&body.to_string()));
        answer.json()["Id"].as_str().unwrap().to_owned()
    };
    let command = ["sh", "-c", "stty size; exit 3"];
    let id = create(json!({ "Cmd": command, "Tty": true, "AttachStdout": true }));
    let shown = |id: &str| daemon.api("GET", &format!("/exec/{id}/json"), None).json();
    assert_eq!(shown(&id)["ProcessConfig"]["user"], "user");
    let resize = format!("/exec/{id}/resize?h=11&w=22");
    // Whoever resizes before the start waits for it.
    std::thread::scope(|scope| {
        let resizing = scope.spawn(|| daemon.api("POST", &resize, None).status);
        let start = format!("/exec/{id}/start");
        daemon.api("POST", &start, Some(r#"{"Tty":true}"#));
        let status = resizing.join().unwrap();
        assert!(status == 200 || status == 404, "{status}");
    });
    eventually("it has ended", || {
        (shown(&id)["ExitCode"] == 3).then_some(())
    });
    assert_eq!(shown(&id)["CanRemove"], false);
    let late = daemon.api("POST", &resize, None);
    let text = format!("NotFound: process does not exist {id}: not found");
    assert_eq!((late.status, &late.json()["message"]), (404, &json!(text)));
    daemon.docker(&["pause", "main"]).ok();
    let paused = daemon.docker(&["exec", "main", "true"]);
    let text = "Container main is paused, unpause the container before exec";
    assert!(paused.stderr.contains(text), "{paused}");
}

#[test]
fn a_signal_thaws_a_container_that_names_no_stop_signal() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    sleeper(&daemon, "open", &[]);
    sleeper(&daemon, "named", &["--stop-signal", "USR1"]);
    for name in ["open", "named"] {
        daemon.docker(&["pause", name]).ok();
        daemon.docker(&["kill", "--signal", "HUP", name]).ok();
    }
    assert_eq!(state(&daemon, "open"), "running");
    assert_eq!(state(&daemon, "named"), "paused");
    daemon.docker(&["kill", "--signal", "USR1", "named"]).ok();
    assert_eq!(state(&daemon, "named"), "running");
    let told = daemon.docker(&[
        "events",
        "--since",
        "1",
        "--until",
        "-2s",
        "--filter",
        "event=unpause",
        "--format",
        "{{.Actor.Attributes.name}}",
    ]);
    assert_eq!(told.ok(), "open\nnamed");
}

#[test]
fn who_waits_for_a_container_between_two_restarts_waits_for_its_next_end() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let fail = "test -e /second && exit 5; touch /second; exit 4";
    let run = ["run", "--detach", "--name", "again", "--network", "none"];
    let policy = ["--restart", "on-failure:1", "busybox", "sh", "-c", fail];
    daemon.docker(&[&run[..], &policy].concat()).ok();
    let waited = daemon.docker(&["wait", "again"]);
    // The first end was seen, or the second was waited for; never a state between them.
    let code = waited.ok().trim().to_owned();
    assert!(code == "4" || code == "5", "{code}");
    daemon.docker(&["wait", "again"]).ok();
    assert_eq!(state(&daemon, "again"), "exited");
}

#[test]
fn filters_mean_what_they_mean_to_dockerd() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let port = ["--publish", "127.0.0.1:8099:80"];
    let run = ["run", "--detach", "--name", "web"];
    daemon
        .docker(&[&run[..], &port, &["busybox", "sleep", "1000"]].concat())
        .ok();
    let failed = daemon.docker(&["run", "--name", "failed", "busybox", "sh", "-c", "exit 3"]);
    assert_eq!(failed.status.code(), Some(3), "{failed}");
    let list = |more: &[&str]| {
        let ps = ["ps", "--format", "{{.Names}}"];
        daemon.docker(&[&ps[..], more].concat()).ok().to_owned()
    };
    assert_eq!(list(&["--filter", "publish=8099"]), "web");
    assert_eq!(list(&["--filter", "publish=80"]), "");
    assert_eq!(list(&["--filter", "exited=3"]), "");
    assert_eq!(list(&["--all", "--filter", "exited=3"]), "failed");
    for (key, told) in [
        ("container=web", true),
        ("plugin=nope", false),
        ("node=nope", false),
    ] {
        let events = ["events", "--since", "1", "--until", "-2s", "--filter", key];
        let ended = daemon.docker(&events);
        assert_eq!(!ended.ok().is_empty(), told, "{key}");
    }
}

#[test]
fn an_update_is_judged_by_itself_and_told_in_dockerds_words() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    sleeper(&daemon, "fleeting", &["--rm", "--memory", "64m"]);
    let update = |args: &[&str]| {
        let ended = daemon.docker(&[&["update"], args].concat());
        ended.stderr
    };
    let gone = update(&["--restart", "always:5", "nope"]);
    assert!(
        gone.contains("maximum retry count can only be used with 'on-failure'"),
        "{gone}"
    );
    let removed = update(&["--restart", "always", "fleeting"]);
    let text = "Restart policy cannot be updated because AutoRemove is enabled for the container";
    assert!(
        removed.contains("Cannot update container ") && removed.contains(text),
        "{removed}"
    );
    assert_eq!(update(&["--memory-reservation", "1g", "fleeting"]), "");
    let few = update(&["--cpu-shares", "1", "fleeting"]);
    assert!(!few.contains("shim"), "{few}");
}
