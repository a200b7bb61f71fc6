//! Clients in Rust: bollard's own tests, and testcontainers over the unix socket and over mutual TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_testkit::{Daemon, DaemonOptions, NetNs, binary, program, run};

use super::pulls::Pulls;
use super::venv::once;

/// Tests of bollard that are not asked for, and why.
const LEFT_OUT: [&str; 1] = [
    // It pulls and pushes.
    "integration_test_image_push",
];

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rust-clients/Cargo.toml")
}

/// Cargo, for code that is not ours: none of this workspace's flags, and a build folder of its own.
fn cargo(arguments: &[&str], manifest: &Path) -> Command {
    let target = binary("lockgated").parent().unwrap().join("rust-clients");
    let mut cargo = program(env!("CARGO"));
    cargo
        .args(arguments)
        .arg("--manifest-path")
        .arg(manifest)
        .env("CARGO_TARGET_DIR", target)
        // A static program cannot look names up.
        .env("RUSTFLAGS", "-Ctarget-feature=-crt-static")
        .env_remove("CARGO_BUILD_TARGET");
    cargo
}

/// The test programs of a package, built: the names of their targets and where they are.
fn test_programs(manifest: &Path, targets: &[&str]) -> Vec<PathBuf> {
    let mut arguments = vec![
        "test",
        "--no-run",
        "--locked",
        "--quiet",
        "--message-format=json",
    ];
    arguments.extend(targets.iter().flat_map(|target| ["--test", *target]));
    let built = run(&mut cargo(&arguments, manifest), b"");
    let messages = built.ok().lines().map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        message
    });
    let mut found: Vec<(String, PathBuf)> = messages
        .filter(|message| message["target"]["kind"][0] == "test")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, message["executable"].as_str()?.into()))
        })
        .collect();
    found.sort();
    assert_eq!(found.len(), targets.len(), "{found:?}");
    found.into_iter().map(|(_, path)| path).collect()
}

/// One of our own test programs.
pub(super) fn test_program(name: &str) -> PathBuf {
    test_programs(&manifest(), &[name]).remove(0)
}

/// A copy of our package with the tests that bollard is published with.
fn bollard() -> PathBuf {
    let folder = once("bollard-0.21.1-tests", |folder| {
        let arguments = ["metadata", "--format-version=1", "--locked"];
        let metadata = run(&mut cargo(&arguments, &manifest()), b"");
        let metadata: serde_json::Value = serde_json::from_str(metadata.ok()).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let bollard = packages
            .iter()
            .find(|package| package["name"] == "bollard" && package["version"] == "0.21.1");
        let path = Path::new(bollard.unwrap()["manifest_path"].as_str().unwrap());
        let ours = manifest();
        let copies = [
            (ours.parent().unwrap().join("."), "package"),
            (path.with_file_name("tests/common"), "package/tests"),
            (
                path.with_file_name("tests/container_test.rs"),
                "package/tests",
            ),
            (path.with_file_name("tests/exec_test.rs"), "package/tests"),
        ];
        for (from, to) in copies {
            let to = folder.join(to);
            fs::create_dir_all(&to).unwrap();
            run(program("cp").arg("--recursive").args([&from, &to]), b"").ok();
        }
    });
    folder.join("package/Cargo.toml")
}

/// The images that bollard's tests are written for, made of busybox.
fn images_of_bollard(daemon: &Daemon) {
    daemon.load_busybox_as(&["busybox:latest", "alpine:latest"]);
    let hello = "printf '#!/bin/sh\\necho; echo Hello from Docker!\\n' > /hello; chmod 755 /hello";
    let web = "mkdir -p /usr/sbin /www /etc/config; printf '# web\\nconfig uhttpd main\\n' > /etc/config/uhttpd; printf '#!/bin/sh\\nexec httpd \"$@\"\\n' > /usr/sbin/run_uhttpd; chmod 755 /usr/sbin/run_uhttpd";
    for (script, image, command) in [
        (hello, "hello-world:linux", "CMD [\"/hello\"]"),
        (web, "fussybeaver/uhttpd:latest", "CMD [\"/bin/sh\"]"),
    ] {
        daemon
            .docker(&["run", "--name", "maker", "busybox", "sh", "-c", script])
            .ok();
        daemon
            .docker(&["commit", "--change", command, "maker", image])
            .ok();
        daemon.docker(&["rm", "maker"]).ok();
    }
}

#[test]
fn bollard_s_own_tests_of_containers_and_exec_pass() {
    let programs = test_programs(&bollard(), &["container_test", "exec_test"]);
    let daemon = Daemon::start();
    images_of_bollard(&daemon);
    // Its tests pull before they create; nothing can be pulled here, so that is answered for them.
    let pulls = Pulls::before(&daemon.socket(), &daemon.path("pulls.sock"));
    for program in programs {
        // The default socket is the only one that they use.
        let script =
            "mount -t tmpfs t /run && ln -s \"$1\" /run/docker.sock && shift && exec \"$@\"";
        let mut tests = daemon.netns().command("unshare");
        tests
            .args(["--mount", "sh", "-c", script, "sh"])
            .arg(pulls.socket())
            .arg(&program)
            .arg("--test-threads=1")
            .args(LEFT_OUT.iter().flat_map(|name| ["--skip", name]))
            .env("DISABLE_REGISTRY", "1")
            .env_remove("DOCKER_HOST")
            // They write files where they are.
            .current_dir(daemon.path(""));
        let ended = run(&mut tests, b"");
        let text = ended.ok();
        assert!(text.contains("test result: ok."), "{text}");
        assert!(!text.contains("running 0 tests"), "{text}");
    }
}

fn testcontainers(netns: &NetNs, environment: &[(&str, String)]) {
    let mut command = netns.command(test_program("testcontainers"));
    command
        .env_remove("DOCKER_HOST")
        .envs(environment.iter().cloned());
    run(&mut command, b"").ok();
}

#[test]
fn testcontainers_for_rust_starts_and_stops_services_over_the_unix_socket() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let host = format!("unix://{}", daemon.socket().display());
    testcontainers(daemon.netns(), &[("DOCKER_HOST", host)]);
    assert_eq!(daemon.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn testcontainers_for_rust_starts_and_stops_services_over_mutual_tls() {
    let pki = tempfile::tempdir().unwrap();
    let folder = pki.path().join("p");
    let mut quick = program(binary("lockgate"));
    quick
        .args(["ca", "quick", "--no-passphrase", "--client", "rs"])
        .args(["--san", "127.0.0.1"])
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
    let certificates = folder.join("client-rs").display().to_string();
    testcontainers(
        daemon.netns(),
        &[
            ("DOCKER_HOST", "tcp://127.0.0.1:2376".to_owned()),
            ("DOCKER_TLS_VERIFY", "1".to_owned()),
            ("DOCKER_CERT_PATH", certificates),
        ],
    );
    assert_eq!(daemon.docker(&["ps", "-aq"]).ok(), "");
}
