//! From creation to the end, and that nothing is left then.

use lockgate_runtime::cgroup::Cgroup;
use lockgate_runtime::protocol::{Reply, Request, ShimStatus};

use crate::fixture::Fixture;

#[test]
fn a_program_runs_to_its_end_and_leaves_nothing_behind() {
    let fixture = Fixture::new(&["sh", "-c", "echo out; echo err >&2; exit 7"]);
    let mounts_before = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut shim = fixture.create();
    let mut stream = shim.attach(false);
    assert!(matches!(
        shim.control.ask(&Request::Start),
        Reply::Started { .. }
    ));
    let mut frames = stream.read_frames();
    frames.sort();
    assert_eq!(frames, [(1, "out\n".to_owned()), (2, "err\n".to_owned())]);
    let record = shim.wait();
    assert_eq!((record.exit_code, record.oom_killed), (7, false));
    let text = std::fs::read_to_string(fixture.directory.join("exit.json")).unwrap();
    assert!(text.contains("\"exitCode\":7"), "{text}");
    let mut log = fixture.log();
    log.sort();
    let line = |stream: &str, text: &str| (stream.to_owned(), text.to_owned());
    assert_eq!(log, [line("stderr", "err\n"), line("stdout", "out\n")]);
    assert!(
        !Cgroup::open(&fixture.cgroup.join(fixture.id.as_str()))
            .unwrap()
            .exists()
    );
    assert!(!shim.socket.exists());
    assert_eq!(
        std::fs::read_to_string("/proc/self/mountinfo").unwrap(),
        mounts_before
    );
    assert_eq!(
        std::fs::read_to_string(fixture.directory.join("shim.log")).unwrap(),
        ""
    );
}

#[test]
fn a_created_container_waits_until_it_is_started() {
    let fixture = Fixture::new(&["sleep", "60"]);
    let mut shim = fixture.create();
    let status = |shim: &mut crate::fixture::Shim| match shim.control.ask(&Request::State) {
        Reply::State(state) => state.status,
        reply => panic!("{reply:?}"),
    };
    assert_eq!(status(&mut shim), ShimStatus::Created);
    assert!(matches!(
        shim.control.ask(&Request::Start),
        Reply::Started { .. }
    ));
    assert_eq!(status(&mut shim), ShimStatus::Running);
    assert!(matches!(
        shim.control.ask(&Request::Start),
        Reply::Failed(_)
    ));
    assert_eq!(
        shim.control.ask(&Request::Kill {
            signal: 9,
            all: false
        }),
        Reply::Done
    );
    assert_eq!(shim.wait().exit_code, 137);
}
