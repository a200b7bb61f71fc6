//! Clients for Node: testcontainers, and dockerode over the unix socket and over mutual TLS.

use lockgate_testkit::{Daemon, DaemonOptions, binary, program, run};

use super::venv::{node, node_command};

const PACKAGES: [&str; 2] = ["testcontainers@11.14.0", "dockerode@4.0.9"];

pub(super) fn packages() -> std::path::PathBuf {
    node("node-clients-1", &PACKAGES)
}

pub(super) const SERVICES: &str = r#"
const { GenericContainer, Network, Wait } = require("testcontainers");
(async () => {
  const network = await new Network().start();
  const web = await new GenericContainer("busybox:latest")
    .withCommand(["sh", "-c", "mkdir /www; echo hello > /www/index.html; httpd -p 8080 -h /www; echo ready; sleep 600"])
    .withExposedPorts(8080).withNetwork(network).withNetworkAliases("web")
    .withWaitStrategy(Wait.forLogMessage("ready")).start();
  const answer = await fetch(`http://${web.getHost()}:${web.getMappedPort(8080)}/`);
  if ((await answer.text()) !== "hello\n") throw new Error("no hello from outside");
  const { output, exitCode } = await web.exec(["wget", "-q", "-O", "-", "http://web:8080/"]);
  if (exitCode !== 0 || output !== "hello\n") throw new Error(`no hello by name: ${exitCode} ${output}`);
  await web.stop();
  await network.stop();
  console.log("ok");
})().catch((error) => { console.error(error); process.exit(1); });
"#;

#[test]
fn testcontainers_for_node_starts_and_stops_services() {
    let packages = packages();
    let daemon = Daemon::start();
    daemon.load_busybox();
    // It falls back to the usual socket without a word: here nothing is there.
    let node = std::fs::read_to_string(packages.join("node")).unwrap();
    let mut command = daemon.netns().command("unshare");
    command
        .args([
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs t /run && exec \"$@\"",
            "sh",
            &node,
        ])
        .args(["-e", SERVICES])
        .current_dir(&packages)
        .env(
            "DOCKER_HOST",
            format!("unix://{}", daemon.socket().display()),
        )
        .env("TESTCONTAINERS_RYUK_DISABLED", "true")
        .env("HOME", daemon.path(""));
    assert_eq!(run(&mut command, b"").ok(), "ok");
    assert_eq!(daemon.docker(&["ps", "-aq"]).ok(), "");
    let left = daemon.docker(&["network", "ls", "-q", "--filter", "type=custom"]);
    assert_eq!(left.ok(), "");
}

pub(super) const DOCKERODE: &str = r#"
const Docker = require("dockerode");
const docker = new Docker();
const drain = (stream) => new Promise((resolve, reject) => {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  stream.on("end", () => resolve(Buffer.concat(chunks)));
  stream.on("error", reject);
});
const same = (a, b) => { if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${JSON.stringify(a)} is not ${JSON.stringify(b)}`); };
(async () => {
  same((await docker.ping()).toString(), "OK");
  const events = await docker.getEvents({ filters: { type: ["container"], event: ["start"] } });
  const started = new Promise((resolve) => events.once("data", (line) => resolve(JSON.parse(line))));
  const network = await docker.createNetwork({ Name: "dn", Labels: { a: "b" } });
  const container = await docker.createContainer({ Image: "busybox", name: "d1", Tty: false,
    Cmd: ["sh", "-c", "echo one; echo two >&2; sleep 600"], HostConfig: { NetworkMode: "dn" } });
  await container.start();
  same((await started).Actor.ID, container.id);
  same(Object.keys((await container.inspect()).NetworkSettings.Networks), ["dn"]);
  const exec = await container.exec({ Cmd: ["sh", "-c", "cat; exit 3"], AttachStdin: true, AttachStdout: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  stream.end("through the stream\n");
  const out = await drain(stream);
  if (!out.toString().endsWith("through the stream\n")) throw new Error(`exec: ${out}`);
  same((await exec.inspect()).ExitCode, 3);
  same((await container.stats({ stream: false })).name, "/d1");
  await container.kill();
  same((await container.wait()).StatusCode, 137);
  const logs = await container.logs({ stdout: true, stderr: true });
  if (!logs.includes("one\n") || !logs.includes("two\n")) throw new Error(`logs: ${logs}`);
  await container.remove();
  await network.remove();
  const missing = await docker.getContainer("nope").inspect().catch((error) => error.statusCode);
  same(missing, 404);
  events.destroy();
  console.log("ok");
})().catch((error) => { console.error(error); process.exit(1); });
"#;

#[test]
fn dockerode_drives_containers_over_the_unix_socket() {
    let packages = packages();
    let daemon = Daemon::start();
    daemon.load_busybox();
    let mut command = node_command(&packages, DOCKERODE);
    command.env(
        "DOCKER_HOST",
        format!("unix://{}", daemon.socket().display()),
    );
    assert_eq!(run(&mut command, b"").ok(), "ok");
}

#[test]
fn dockerode_drives_containers_over_mutual_tls() {
    let packages = packages();
    let pki = tempfile::tempdir().unwrap();
    let folder = pki.path().join("p");
    let mut quick = program(binary("lockgate"));
    quick
        .args([
            "ca",
            "quick",
            "--no-passphrase",
            "--client",
            "js",
            "--san",
            "127.0.0.1",
        ])
        .arg(&folder);
    run(&mut quick, b"").ok();
    let file = |name: &str| folder.join("server").join(name);
    let daemon = Daemon::start_with(DaemonOptions {
        args: vec!["--host=tcp://127.0.0.1:2376".to_owned()],
        config: Some(
            serde_json::json!({ "tlsverify": true, "tlscacert": file("ca.pem"),
            "tlscert": file("cert.pem"), "tlskey": file("key.pem") }),
        ),
    });
    daemon.load_busybox();
    let node = std::fs::read_to_string(packages.join("node")).unwrap();
    let mut command = daemon.netns().command(node);
    command
        .args(["-e", DOCKERODE])
        .current_dir(&packages)
        .env("DOCKER_HOST", "tcp://127.0.0.1:2376")
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", folder.join("client-js"));
    assert_eq!(run(&mut command, b"").ok(), "ok");
}
