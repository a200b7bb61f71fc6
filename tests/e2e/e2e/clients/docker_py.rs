//! docker-py 7.2.0, over the unix socket and over mutual TLS.

use std::path::{Path, PathBuf};

use lockgate_testkit::{Daemon, binary, program, run};

fn python() -> PathBuf {
    super::venv::python("docker-py-7.2.0", &["docker==7.2.0"])
}

const SCRIPT: &str = r#"
import docker, sys
c = docker.from_env()
assert c.ping()
assert c.version()["ApiVersion"] == "1.55"
out = c.containers.run("busybox", ["echo", "hello"], remove=True)
assert out == b"hello\n", out
k = c.containers.run("busybox", ["sh", "-c", "echo a; echo b >&2; sleep 60"], detach=True, name="kk", labels={"a": "b"}, environment={"X": "1"})
assert [x.name for x in c.containers.list(filters={"label": "a=b"})] == ["kk"]
code, out = k.exec_run(["sh", "-c", "echo $X; exit 3"])
assert (code, out) == (3, b"1\n"), (code, out)
code, out = k.exec_run("echo demux", demux=True)
assert out == (b"demux\n", None), out
sock = k.exec_run("cat", stdin=True, socket=True).output
sock._sock.sendall(b"through the socket\n") if hasattr(sock, "_sock") else sock.sendall(b"through the socket\n")
data = sock.read(8 + 19) if hasattr(sock, "read") else sock.recv(27)
assert data.endswith(b"through the socket\n"), data
sock.close()
assert k.stats(stream=False)["pids_stats"]["current"] >= 1
assert k.top()["Processes"]
assert b"a\n" in k.logs(stderr=False)
k.kill()
assert k.wait()["StatusCode"] == 137
try:
    c.containers.run("busybox", ["sh", "-c", "exit 4"], remove=True)
    raise SystemExit("no error")
except docker.errors.ContainerError as e:
    assert e.exit_status == 4
try:
    c.images.get("nope")
    raise SystemExit("no error")
except docker.errors.ImageNotFound:
    pass
k.remove(v=True)
v = c.volumes.create("pv", labels={"x": "y"})
assert c.volumes.get("pv").attrs["Labels"] == {"x": "y"}
v.remove()
assert c.images.list()[0].tags == ["busybox:latest"]
assert c.info()["Containers"] == 0
assert c.df()["Images"] is not None
tar = b"".join(c.images.get("busybox").save(named=True))
c.images.remove("busybox")
assert c.images.load(tar)[0].tags == ["busybox:latest"]
assert c.networks.get("bridge").attrs["Driver"] == "bridge"
print("ok")
"#;

fn drive(python: &Path, environment: &[(&str, String)]) {
    let ended = run(
        program(python)
            .args(["-c", SCRIPT])
            .envs(environment.iter().cloned()),
        b"",
    );
    assert_eq!(ended.ok(), "ok");
}

#[test]
fn docker_py_drives_containers_over_the_unix_socket() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    drive(
        &python(),
        &[(
            "DOCKER_HOST",
            format!("unix://{}", daemon.socket().display()),
        )],
    );
}

#[test]
fn docker_py_drives_containers_over_mutual_tls() {
    let pki = tempfile::tempdir().unwrap();
    let quick = run(
        program(binary("lockgate"))
            .args([
                "ca",
                "quick",
                "--no-passphrase",
                "--client",
                "py",
                "--san",
                "127.0.0.1",
            ])
            .arg(pki.path().join("p")),
        b"",
    );
    quick.ok();
    let file = |set: &str, name: &str| pki.path().join("p").join(set).join(name);
    let daemon = Daemon::start_with(lockgate_testkit::DaemonOptions {
        args: vec!["--host=tcp://127.0.0.1:2376".to_owned()],
        config: Some(serde_json::json!({
            "tlsverify": true,
            "tlscacert": file("server", "ca.pem"), "tlscert": file("server", "cert.pem"), "tlskey": file("server", "key.pem"),
        })),
    });
    daemon.load_busybox();
    let python = python();
    let mut command = daemon.netns().command(&python);
    command
        .args(["-c", SCRIPT])
        .env("DOCKER_HOST", "tcp://127.0.0.1:2376")
        // requests prefers these over the CA that docker-py names.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", pki.path().join("p/client-py"));
    assert_eq!(run(&mut command, b"").ok(), "ok");
}
