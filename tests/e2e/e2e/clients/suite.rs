//! docker-py 7.0.0's own integration tests, against Lockgate.
//!
//! `tests/e2e/clients/docker-py.txt` has a line for every test: how it ends on dockerd 28.5.2 where
//! nothing outside can be reached, and whether Lockgate is asked for it, or why not. A test that is
//! asked for must pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lockgate_testkit::{Daemon, Ended, NetNs, busybox_archive, program, run};

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
    load_images(&daemon.socket());
    let all = std::env::var_os("LOCKGATE_DOCKER_PY_ALL").is_some();
    let asked: BTreeSet<&str> = listed()
        .iter()
        .filter(|line| wanted(line.test) && (line.is_asked || all))
        .map(|line| line.test)
        .collect();
    assert!(!asked.is_empty());
    all_pass(&daemon, &asked);
}

/// Under the names that the tests expect.
const IMAGES: [&str; 3] = ["alpine:3.10", "alpine:latest", "busybox:latest"];

/// Gives a daemon those images.
pub(super) fn load_images(socket: &Path) {
    let mut load = program("docker");
    load.arg("load")
        .env("DOCKER_HOST", format!("unix://{}", socket.display()));
    run(&mut load, &busybox_archive(&IMAGES)).ok();
}

/// The tests that dockerd passes.
pub(super) fn passed_by_dockerd() -> BTreeSet<&'static str> {
    let lines = listed();
    let passed = lines.iter().filter(|line| line.on_dockerd == "passed");
    passed.map(|line| line.test).collect()
}

/// How each test ended, in pytest's word for it, and all that was said.
pub(super) type Outcomes = (BTreeMap<String, String>, Ended);

/// Runs these tests at a socket, in the namespace where its containers can be reached.
pub(super) fn outcomes<'a>(
    socket: &Path,
    netns: &NetNs,
    api_version: &str,
    asked: impl IntoIterator<Item = &'a str>,
) -> Outcomes {
    let python = python("docker-py-7.0.0", &PACKAGES);
    let home = tempfile::tempdir().unwrap();
    // Without this file its contexts would lie in the working folder, which is everybody's.
    fs::create_dir(home.path().join(".docker")).unwrap();
    fs::write(home.path().join(".docker/config.json"), "{}").unwrap();
    // Some clients fall back to the usual socket: here it is ours.
    let script = "mount -t tmpfs t /run && ln -s \"$1\" /run/docker.sock && shift && exec \"$@\"";
    let mut pytest = netns.command("unshare");
    pytest
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(socket)
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
        .args(
            asked
                .into_iter()
                .map(|test| format!("tests/integration/{test}")),
        )
        .current_dir(sources(&python))
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .env("DOCKER_TEST_API_VERSION", api_version)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HOME", home.path());
    let ended = run(&mut pytest, b"");
    let line = |line: &str| {
        let (outcome, rest) = line.split_once(" tests/integration/")?;
        let test = rest.split(' ').next()?;
        let is_word = outcome.chars().all(|c| c.is_ascii_uppercase());
        is_word.then(|| (test.to_owned(), outcome.to_owned()))
    };
    (ended.stdout.lines().filter_map(line).collect(), ended)
}

/// Every one of these tests passes at the daemon.
#[track_caller]
fn all_pass(daemon: &Daemon, asked: &BTreeSet<&str>) {
    let (ended_so, ended) = outcomes(
        &daemon.socket(),
        daemon.netns(),
        "1.44",
        asked.iter().copied(),
    );
    let passes = |test: &&&str| ended_so.get(**test).is_some_and(|how| how == "PASSED");
    let failed: Vec<_> = asked.iter().filter(|test| !passes(test)).collect();
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
