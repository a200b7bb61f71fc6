//! The network of an ordinary user's daemon, and what outlives a daemon that is killed.

use lockgate_testkit::{eventually, program, run};

use super::lab::{ADDRESS, Host, Kind};

const WEB: &str = "echo page > /tmp/index.html; exec httpd -f -p 80 -h /tmp";

/// What a published port says to somebody on the host.
pub(super) fn fetch(host: &Host, address: &str) -> String {
    let mut command = host.root("curl");
    command.args(["--silent", "--max-time", "2"]);
    run(command.arg(format!("http://{address}/")), b"").stdout
}

pub(super) fn serve(host: &Host) {
    host.load_busybox();
    host.docker(&["network", "create", "net"]).ok();
    host.docker(&[
        "run",
        "--detach",
        "--name=web",
        "--network=net",
        "--publish=8088:80",
        "busybox",
        "sh",
        "-c",
        WEB,
    ])
    .ok();
    eventually("the page is served", || {
        (fetch(host, "127.0.0.1:8088") == "page\n").then_some(())
    });
}

#[test]
fn containers_find_each_other_and_the_host_finds_them() {
    let host = Host::with_daemon(&Kind::default());
    serve(&host);
    assert_eq!(fetch(&host, &format!("{ADDRESS}:8088")), "page\n");
    let by_name = [
        "run",
        "--rm",
        "--network=net",
        "busybox",
        "wget",
        "-qO-",
        "http://web/",
    ];
    assert_eq!(host.docker(&by_name).ok(), "page");
    let twice = host.docker(&["run", "--rm", "--publish=8088:80", "busybox", "true"]);
    twice.failed_with(
        125,
        "Bind for 0.0.0.0:8088 failed: port is already allocated",
    );
    // Bound by somebody else on the host: the user's network does not hide it.
    let mut other = host
        .root("/bin/busybox")
        .args(["nc", "-l", "-p", "8089"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let taken = eventually("the port is taken", || {
        let run = host.docker(&["run", "--rm", "--publish=8089:80", "busybox", "true"]);
        (!run.status.success()).then_some(run)
    });
    taken.failed_with(125, "address already in use");
    other.kill().unwrap();
    other.wait().unwrap();
    // CVE-2025-9074: the host's own loopback, with what trusts it, is not the containers'.
    let mut secret = host
        .root("/bin/busybox")
        .args(["httpd", "-f", "-p", "127.0.0.1:8091", "-h", "/"])
        .spawn()
        .unwrap();
    let script = "for a in 198.51.100.1 198.51.100.2 10.0.2.2; do wget -T 1 -qO- http://$a:8091/etc/passwd && echo REACHED $a; done";
    let tried = host.docker(&["run", "--rm", "busybox", "sh", "-c", script]);
    assert!(!tried.stdout.contains("REACHED"), "{tried}");
    secret.kill().unwrap();
    secret.wait().unwrap();
}

/// busybox has no program that answers datagrams: the host's python does, in the container's network.
#[test]
fn datagrams_find_their_way_back() {
    let host = Host::with_daemon(&Kind::default());
    host.load_busybox();
    let publish = "--publish=127.0.0.1:8090:7/udp";
    host.docker(&[
        "run",
        "--detach",
        "--name=one",
        publish,
        "busybox",
        "sleep",
        "600",
    ])
    .ok();
    let pid = host.docker(&["inspect", "--format={{.State.Pid}}", "one"]);
    let script = "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 7)); print(flush=True)
while True: d, a = s.recvfrom(70000); s.sendto(d[::-1], a)";
    let mut server = program("nsenter")
        .args([
            &format!("--target={}", pid.ok()),
            "--net",
            "python3",
            "-c",
            script,
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let ready = std::io::Read::read(server.stdout.as_mut().unwrap(), &mut [0]);
    assert_eq!(ready.unwrap(), 1);
    let client = "import socket
def ask(n):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(('127.0.0.1', 8090))
    s.send(b'a' + b'b' * n); return s, s.recv(70000) == b'b' * n + b'a'
first, one = ask(3); second, two = ask(20000); first.send(b'xyz')
print(one, two, first.recv(100))";
    let answer = run(host.root("python3").args(["-c", client]), b"");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(answer.ok(), "True True b'zyx'");
}

#[test]
fn a_killed_daemon_finds_its_containers_network_and_ports_again() {
    let mut host = Host::with_daemon(&Kind::default());
    serve(&host);
    host.docker(&[
        "run",
        "--detach",
        "--name=gone",
        "--publish=8092:80",
        "busybox",
        "sh",
        "-c",
        WEB,
    ])
    .ok();
    let pid = host.docker(&["inspect", "--format={{.State.Pid}}", "gone"]);
    host.kill();
    assert_eq!(
        fetch(&host, "127.0.0.1:8088"),
        "page\n",
        "ports need no daemon"
    );
    run(program("kill").args(["-9", pid.ok()]), b"").ok();
    host.start(&[]);
    assert_eq!(fetch(&host, "127.0.0.1:8088"), "page\n");
    assert_eq!(
        host.docker(&["exec", "web", "cat", "/tmp/index.html"]).ok(),
        "page"
    );
    let listening = run(host.root("ss").args(["-Hltn", "sport = :8092"]), b"");
    assert_eq!(
        listening.ok(),
        "",
        "the port of a container that ended is closed"
    );
    let by_name = [
        "run",
        "--rm",
        "--network=net",
        "busybox",
        "wget",
        "-qO-",
        "http://web/",
    ];
    assert_eq!(host.docker(&by_name).ok(), "page");
    host.docker(&["rm", "--force", "web"]).ok();
    assert_eq!(fetch(&host, "127.0.0.1:8088"), "");
    host.stop();
    eventually("the namespaces end with the last daemon", || {
        host.processes("lockgate-rootless").is_empty().then_some(())
    });
}
