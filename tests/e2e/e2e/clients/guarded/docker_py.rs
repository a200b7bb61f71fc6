//! docker-py 7.0.0's own tests pass in the same number with a guard and without.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::{Guarded, stock};
use crate::clients::suite::{self, Outcomes};

/// What is asked of Debian's dockerd on every run: archives, attach, logs, exec, and images in and out. It is a minute of
/// a machine that is asked for much; builds and networks are asked by the docker CLI, bodies by `differential::guarded`.
const IN_CI: [&str; 4] = [
    "api_container_test.py::A",
    "api_container_test.py::L",
    "api_exec_test.py::",
    "api_image_test.py::",
];

/// Asks for the output of a container that may have ended before: dockerd itself answers with nothing half of the time.
const RACE_IN_DOCKERD: &str = "api_container_test.py::AttachContainerTest::test_attach_no_stream";

/// Tests whose end is decided by who comes first, in dockerd itself; they may be asked once more.
const TRIES: usize = 3;

/// Asks a dockerd, and the guard before another one, for the same tests at the same time; says how many pass.
fn as_often(api_version: &str, asked: &BTreeSet<&str>) -> String {
    let (direct, guarded) = (stock(), Guarded::start());
    let ask_direct = |asked: &BTreeSet<&str>| {
        let tests = asked.iter().copied();
        suite::outcomes(&direct.socket(), direct.netns(), api_version, tests)
    };
    let ask_guarded = |asked: &BTreeSet<&str>| {
        let netns = guarded.behind.netns();
        let tests = asked.iter().copied();
        suite::outcomes(&guarded.door.socket(), netns, api_version, tests)
    };
    for socket in [direct.socket(), guarded.door.socket()] {
        suite::load_images(&socket);
    }
    let (mut theirs, mut ours) = side_by_side(asked, ask_direct, ask_guarded);
    for _ in 1..TRIES {
        let again: BTreeSet<&str> = differing(asked, &theirs.0, &ours.0);
        if again.is_empty() {
            break;
        }
        let (t, o) = side_by_side(&again, ask_direct, ask_guarded);
        theirs.0.extend(t.0);
        ours.0.extend(o.0);
    }
    let differ = differing(asked, &theirs.0, &ours.0);
    assert!(
        differ.is_empty(),
        "{differ:#?}\n--- dockerd\n{}\n--- guard\n{}",
        theirs.1,
        ours.1
    );
    let passed = |outcomes: &BTreeMap<String, String>| {
        let good = outcomes
            .values()
            .filter(|how| how.ends_with("PASS") || *how == "PASSED");
        good.count()
    };
    let (direct, guarded) = (passed(&theirs.0), passed(&ours.0));
    assert!(direct * 10 > asked.len() * 9, "{}", theirs.1);
    assert_eq!(direct, guarded);
    let asked = asked.len();
    format!("{asked} asked, {direct} passed direct, {guarded} passed through the guard")
}

fn side_by_side(
    asked: &BTreeSet<&str>,
    direct: impl Fn(&BTreeSet<&str>) -> Outcomes + Sync,
    guarded: impl Fn(&BTreeSet<&str>) -> Outcomes,
) -> (Outcomes, Outcomes) {
    thread::scope(|scope| {
        let direct = scope.spawn(|| direct(asked));
        let guarded = guarded(asked);
        (direct.join().unwrap(), guarded)
    })
}

fn differing<'a>(
    asked: &BTreeSet<&'a str>,
    one: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> BTreeSet<&'a str> {
    let differs = |test: &&&str| one.get(**test) != other.get(**test) || !one.contains_key(**test);
    asked.iter().filter(differs).copied().collect()
}

#[test]
fn docker_py_s_own_tests_end_the_same_with_a_guard() {
    let all = passed_by_dockerd();
    let is_asked = |test: &&str| IN_CI.iter().any(|start| test.starts_with(start));
    let asked = all.into_iter().filter(is_asked).collect();
    println!("{}", as_often("1.41", &asked));
}

/// Those whose end is dockerd's own choice are not asked.
fn passed_by_dockerd() -> BTreeSet<&'static str> {
    let mut all = suite::passed_by_dockerd();
    all.remove(RACE_IN_DOCKERD);
    all
}

/// Six minutes: every test of docker-py that dockerd 28.5.2 passes.
#[test]
#[ignore = "long, and needs dockerd 28.5.2: cargo xtask guarded --dockerd PATH"]
fn all_of_docker_py_s_own_tests_end_the_same_with_a_guard() {
    println!("{}", as_often("1.44", &passed_by_dockerd()));
}
