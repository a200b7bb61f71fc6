//! testcontainers for Python: services that are started, waited for, used and stopped.

use lockgate_testkit::{Daemon, run};

use super::venv::python;

/// A web server in a container, reached from outside and from another container by its alias.
const SCRIPT: &str = r#"
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
