//! docker-py 7.0.0's own integration tests, against Lockgate.
//!
//! `tests/e2e/clients/docker-py.txt` has a line for every test: how it ends on dockerd 28.5.2 where
//! nothing outside can be reached, and whether Lockgate is asked for it, or why not. A test that is
//! asked for must pass.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lockgate_testkit::{Daemon, NetNs, program, run};

use super::venv::{once, python};

const LIST: &str = include_str!("../../clients/docker-py.txt");

/// docker-py and what its tests need, in the versions of its own list where that still works.
const PACKAGES: [&str; 5] = [
    "docker==7.0.0",
    "requests==2.31.0",
    "pytest==7.4.2",
    "pytest-timeout==2.1.0",
    "paramiko==3.5.1",
];

/// One line of the list.
struct Listed {
    test: &'static str,
    on_dockerd: &'static str,
    is_asked: bool,
}

fn listed() -> Vec<Listed> {
    LIST.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap();
            let (test, on_dockerd, asked) = (word(), word(), word());
            assert!(asked.len() > 2, "no reason: {line}");
            Listed {
                test,
                on_dockerd,
                is_asked: asked == "yes",
            }
        })
        .collect()
}

/// The tests as they are in the source distribution.
fn sources(python: &Path) -> PathBuf {
    let folder = once("docker-py-7.0.0-source", |folder| {
        let mut download = program(python);
        download
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                ":all:",
            ])
            .args(["docker==7.0.0", "--dest"])
            .arg(folder);
        run(&mut download, b"").ok();
        let mut unpack = program("tar");
        unpack
            .args(["--extract", "--file", "docker-7.0.0.tar.gz"])
            .current_dir(folder);
        run(&mut unpack, b"").ok();
    });
    folder.join("docker-7.0.0")
}

/// Runs the asked tests of the files that `wanted` picks.
fn suite(wanted: impl Fn(&str) -> bool) {
    let daemon = Daemon::start();
    daemon.load_busybox_as(&IMAGES);
    let all = std::env::var_os("LOCKGATE_DOCKER_PY_ALL").is_some();
    let asked: BTreeSet<&str> = listed()
        .iter()
        .filter(|line| wanted(line.test) && (line.is_asked || all))
        .map(|line| line.test)
        .collect();
    assert!(!asked.is_empty());
    all_pass(&daemon, daemon.netns(), &asked);
}

/// Under the names that the tests expect.
pub(super) const IMAGES: [&str; 3] = ["alpine:3.10", "alpine:latest", "busybox:latest"];

/// The tests that dockerd passes.
pub(super) fn passed_by_dockerd() -> BTreeSet<&'static str> {
    let lines = listed();
    let passed = lines.iter().filter(|line| line.on_dockerd == "passed");
    passed.map(|line| line.test).collect()
}

/// Runs these tests at the door, in the namespace where its containers can be reached.
pub(super) fn all_pass(daemon: &Daemon, netns: &NetNs, asked: &BTreeSet<&str>) {
    let python = python("docker-py-7.0.0", &PACKAGES);
    let sources = sources(&python);
    // Some clients fall back to the usual socket: here it is ours.
    let script = "mount -t tmpfs t /run && ln -s \"$1\" /run/docker.sock && shift && exec \"$@\"";
    let mut pytest = netns.command("unshare");
    pytest
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(daemon.socket())
        .arg(&python)
        .args([
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "-rA",
            "--tb=short",
        ])
        .arg("--timeout=60")
        .args(asked.iter().map(|test| format!("tests/integration/{test}")))
        .current_dir(&sources)
        .env(
            "DOCKER_HOST",
            format!("unix://{}", daemon.socket().display()),
        )
        .env("DOCKER_TEST_API_VERSION", "1.44")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", daemon.path("home"));
    std::fs::create_dir(daemon.path("home")).unwrap();
    let ended = run(&mut pytest, b"");
    let passed: BTreeSet<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("PASSED tests/integration/"))
        .collect();
    let failed: Vec<_> = asked.difference(&passed).collect();
    assert!(
        failed.is_empty(),
        "these no longer pass: {failed:#?}\n{ended}"
    );
}

#[test]
fn docker_py_s_own_tests_of_containers_pass() {
    suite(|test| test.starts_with("api_container_test.py"));
}

#[test]
fn docker_py_s_other_tests_pass() {
    suite(|test| !test.starts_with("api_container_test.py"));
}

#[test]
fn every_test_that_dockerd_passes_is_asked_for_or_has_a_reason() {
    let lines = listed();
    let asked = lines.iter().filter(|line| line.is_asked);
    assert!(asked.clone().all(|line| line.on_dockerd == "passed"));
    assert!(asked.count() > 180);
    let names: BTreeSet<_> = lines.iter().map(|line| line.test).collect();
    assert_eq!(names.len(), lines.len(), "a test has two lines");
}
