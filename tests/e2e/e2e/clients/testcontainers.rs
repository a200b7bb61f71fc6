//! testcontainers for Python: services that are started, waited for, used and stopped.

use lockgate_testkit::{Daemon, binary, eventually, run};

use super::venv::python;

/// A web server in a container, reached from outside and from another container by its alias.
pub(super) const SCRIPT: &str = r#"
import urllib.request
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.waiting_utils import wait_for_logs
serve = "sh -c 'mkdir /www; echo hello > /www/index.html; httpd -p 8080 -h /www; echo ready; sleep 600'"
with Network() as network:
    with DockerContainer("busybox:latest").with_command(serve).with_exposed_ports(8080).with_network(network).with_network_aliases("web") as web:
        wait_for_logs(web, "ready", timeout=20)
        url = f"http://{web.get_container_host_ip()}:{web.get_exposed_port(8080)}/"
        assert urllib.request.urlopen(url, timeout=10).read() == b"hello\n"
        assert web.exec(["cat", "/www/index.html"]) == (0, b"hello\n")
        with DockerContainer("busybox:latest").with_command("wget -q -O - http://web:8080/").with_network(network) as client:
            wait_for_logs(client, "hello", timeout=20)
        client = web.get_docker_client().client
        assert len(client.containers.list()) == 1
assert client.containers.list(all=True) == []
assert [n.name for n in client.networks.list(filters={"type": "custom"})] == []
print("ok")
"#;

/// Does what Ryuk does, in a container: it is told by labels what belongs to a session, and removes that some time after the
/// session's last connection has ended.
const REAPER: &str = r#"#!/bin/sh
case "$1" in
session)
    while read -r line; do
        filters=""
        for label in $(echo "$line" | tr -d '\r' | tr '&' ' '); do filters="$filters --filter $label"; done
        echo "$filters" >> /filters
        echo ACK
    done
    sleep 1
    lockgate -H unix:///var/run/docker.sock ps -aq $(cat /filters) | xargs -r lockgate -H unix:///var/run/docker.sock rm -f
    ;;
*)
    echo "Reaper Started!"
    exec nc -ll -p 8080 -e /bin/sh /reaper session
    ;;
esac
"#;

/// A session that ends without stopping what it started.
const ABANDON: &str = r#"
import os
from testcontainers.core.container import DockerContainer
left = DockerContainer("busybox:latest").with_command("sleep 6000").start()
print(left.get_wrapped_container().id, flush=True)
os._exit(0)
"#;

/// Ryuk's image cannot be pulled here: one with the same protocol is made on the spot.
#[test]
fn what_a_session_abandons_is_reaped_by_its_labels() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = daemon.path("reaper");
    std::fs::write(&script, REAPER).unwrap();
    daemon
        .docker(&["create", "--name", "maker", "busybox"])
        .ok();
    let lockgate = binary("lockgate");
    for (from, to) in [
        (script.as_path(), "maker:/reaper"),
        (&lockgate, "maker:/bin/lockgate"),
    ] {
        daemon.docker(&["cp", from.to_str().unwrap(), to]).ok();
    }
    let command = "CMD [\"sh\", \"/reaper\"]";
    daemon
        .docker(&["commit", "--change", command, "maker", "reaper:1"])
        .ok();
    daemon.docker(&["rm", "maker"]).ok();
    let python = python("testcontainers-4.15.0", &["testcontainers==4.15.0"]);
    let socket = daemon.socket().display().to_string();
    let mut session = daemon.netns().command(python);
    session
        .args(["-c", ABANDON])
        .env("DOCKER_HOST", format!("unix://{socket}"))
        .env("TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE", &socket)
        .env("RYUK_CONTAINER_IMAGE", "reaper:1")
        .env("HOME", daemon.path(""));
    let ended = run(&mut session, b"");
    let left = ended.ok().lines().last().unwrap();
    eventually("the abandoned container is reaped", || {
        let found = daemon.api("GET", &format!("/containers/{left}/json"), None);
        (found.status == 404).then_some(())
    });
    // The reaper itself has no label of the session's.
    let names = daemon.docker(&["ps", "--format", "{{.Image}}"]);
    assert_eq!(names.ok(), "reaper:1");
}

#[test]
fn testcontainers_for_python_starts_and_stops_services() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let python = python("testcontainers-4.15.0", &["testcontainers==4.15.0"]);
    let mut command = daemon.netns().command(python);
    command
        .args(["-c", SCRIPT])
        .env(
            "DOCKER_HOST",
            format!("unix://{}", daemon.socket().display()),
        )
        .env("TESTCONTAINERS_RYUK_DISABLED", "true")
        .env("HOME", daemon.path(""));
    assert_eq!(run(&mut command, b"").ok().lines().last(), Some("ok"));
}
