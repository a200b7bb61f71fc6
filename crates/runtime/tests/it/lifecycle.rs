//! From creation to the end, and that nothing is left then.

use lockgate_runtime::cgroup::Cgroup;
use lockgate_runtime::protocol::{Reply, Request, ShimEvent, ShimStatus};

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

#[test]
fn signals_reach_the_program() {
    let fixture = Fixture::new(&[
        "sh",
        "-c",
        "trap 'exit 5' TERM; echo up; while :; do sleep 1; done",
    ]);
    let mut shim = fixture.create();
    let mut stream = shim.attach(false);
    shim.control.ask(&Request::Start);
    stream.read_until("up");
    assert_eq!(
        shim.control.ask(&Request::Kill {
            signal: 15,
            all: false
        }),
        Reply::Done
    );
    assert_eq!(shim.wait().exit_code, 5);
}

#[test]
fn the_container_outlives_its_daemon() {
    let fixture = Fixture::new(&["sh", "-c", "read x; echo $x; exit 6"]);
    let mut fixture = fixture;
    fixture.request.open_stdin = true;
    fixture.request.stdin_once = true;
    let mut shim = fixture.start();
    // The first connection goes, as with a daemon that is killed; a new one takes its place.
    let mut again = shim.connect();
    assert_eq!(again.ask(&Request::Watch), Reply::Done);
    shim.control = again;
    let state = shim.control.ask(&Request::State);
    assert!(
        matches!(state, Reply::State(ref s) if s.status == ShimStatus::Running && s.pid.is_some()),
        "{state:?}"
    );
    let mut stream = shim.attach(true);
    stream.write(b"still here\n");
    assert_eq!(stream.read_all(), "still here\n");
    assert_eq!(shim.wait().exit_code, 6);
}

#[test]
fn nobody_needs_to_watch_the_end() {
    let fixture = Fixture::new(&["sh", "-c", "read x; exit 8"]);
    let mut fixture = fixture;
    fixture.request.open_stdin = true;
    fixture.request.stdin_once = true;
    let mut shim = fixture.start();
    let stream = shim.attach(true);
    shim.control = shim.connect();
    stream.end_input();
    assert!(shim.control.is_at_end());
    shim.reap();
    let text = std::fs::read_to_string(fixture.directory.join("exit.json")).unwrap();
    assert!(text.contains("\"exitCode\":8"), "{text}");
}

#[test]
fn a_paused_container_stands_still() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let status = |shim: &mut crate::fixture::Shim| match shim.control.ask(&Request::State) {
        Reply::State(state) => state.status,
        reply => panic!("{reply:?}"),
    };
    assert_eq!(shim.control.ask(&Request::Pause), Reply::Done);
    assert_eq!(status(&mut shim), ShimStatus::Paused);
    assert_eq!(shim.control.ask(&Request::Resume), Reply::Done);
    assert_eq!(status(&mut shim), ShimStatus::Running);
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: true,
    });
    assert_eq!(shim.wait().exit_code, 137);
}

#[test]
fn running_out_of_memory_is_recorded() {
    let mut fixture = Fixture::new(&["tail", "/dev/zero"]);
    let resources = fixture.spec.linux_mut().as_mut().unwrap().resources_mut();
    let mut memory = oci_spec::runtime::LinuxMemory::default();
    memory.set_limit(Some(16 << 20)).set_swap(Some(16 << 20));
    resources.as_mut().unwrap().set_memory(Some(memory));
    let mut shim = fixture.start();
    assert_eq!(shim.control.event(), ShimEvent::Oom);
    let record = shim.wait();
    assert_eq!((record.exit_code, record.oom_killed), (137, true));
}

#[test]
fn a_child_that_runs_out_of_memory_is_told_while_the_container_lives() {
    let mut fixture = Fixture::new(&["sh", "-c", "tail /dev/zero; read x; exit 3"]);
    fixture.request.open_stdin = true;
    fixture.request.stdin_once = true;
    let resources = fixture.spec.linux_mut().as_mut().unwrap().resources_mut();
    let mut memory = oci_spec::runtime::LinuxMemory::default();
    memory.set_limit(Some(16 << 20)).set_swap(Some(16 << 20));
    resources.as_mut().unwrap().set_memory(Some(memory));
    let mut shim = fixture.start();
    assert_eq!(shim.control.event(), ShimEvent::Oom);
    let stream = shim.attach(true);
    stream.end_input();
    let record = shim.wait();
    assert_eq!((record.exit_code, record.oom_killed), (3, true));
}

#[test]
fn the_little_init_passes_signals_on_and_buries_orphans() {
    let script = "trap 'exit 5' TERM; (sleep 0.1 &) ; echo $$; while :; do sleep 0.1; done";
    let args = ["/sbin/docker-init", "--", "sh", "-c", script];
    let mut fixture = Fixture::new(&args);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_lockgate-shim"));
    let place = std::path::Path::new("/sbin/docker-init");
    let mount = lockgate_runtime::spec::bind_mount(program, place, &["ro"]);
    fixture.spec.mounts_mut().as_mut().unwrap().push(mount);
    let mut shim = fixture.create();
    let mut stream = shim.attach(false);
    shim.control.ask(&Request::Start);
    let pid = stream.read_until("\n");
    assert!(!pid.ends_with("\n1\n") && pid.ends_with("2\n"), "{pid}");
    assert_eq!(
        shim.control.ask(&Request::Kill {
            signal: 15,
            all: false
        }),
        Reply::Done
    );
    assert_eq!(shim.wait().exit_code, 5);
}

#[test]
fn a_user_namespace_maps_root_to_somebody_else() {
    let script = "id -u; cat /proc/self/uid_map; touch /tmp/x; stat -c %u /tmp/x; cat /dev/null";
    let mut fixture = Fixture::new(&["sh", "-c", script]);
    let map = |host: u32| {
        let map = oci_spec::runtime::LinuxIdMappingBuilder::default();
        map.container_id(0_u32)
            .host_id(host)
            .size(65536_u32)
            .build()
            .unwrap()
    };
    let linux = fixture.spec.linux_mut().as_mut().unwrap();
    linux
        .set_uid_mappings(Some(vec![map(200_000)]))
        .set_gid_mappings(Some(vec![map(200_000)]));
    let kind = oci_spec::runtime::LinuxNamespaceType::User;
    linux
        .namespaces_mut()
        .as_mut()
        .unwrap()
        .push(lockgate_runtime::spec::namespace(kind, None));
    for part in ["upper", "work", "image/tmp"] {
        let path = fixture.directory.join(part);
        std::os::unix::fs::chown(path, Some(200_000), Some(200_000)).unwrap();
    }
    let (code, output) = fixture.run();
    assert_eq!(code, 0, "{output}");
    assert!(
        output.starts_with("0\n") && output.contains("200000      65536\n0\n"),
        "{output}"
    );
}

#[test]
fn a_refused_container_leaves_nothing_behind() {
    let fixture = Fixture::new(&["nope"]);
    let mut shim = fixture.spawn();
    let create = Request::Create(Box::new(fixture.request.clone()));
    assert!(matches!(shim.control.ask(&create), Reply::Failed(_)));
    assert!(
        !Cgroup::open(&fixture.cgroup.join(fixture.id.as_str()))
            .unwrap()
            .exists()
    );
    // A second try on the same shim is possible; without its connection it goes.
    assert!(matches!(shim.control.ask(&create), Reply::Failed(_)));
    shim.control.end_input();
    assert!(shim.control.is_at_end());
    shim.reap();
}

#[test]
fn a_malformed_request_is_answered_and_ends_the_connection() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let mut bad = shim.connect();
    bad.write(b"\x02\0\0\0{}");
    bad.read_until("malformed message");
    let mut huge = shim.connect();
    huge.write(&[0xff; 4]);
    huge.read_until("1 to 16777216 are allowed");
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    assert_eq!(shim.wait().exit_code, 137);
}

#[test]
fn without_a_pid_namespace_nothing_outlives_the_init() {
    let script = "trap '' TERM; sleep 98 & sleep 99 & echo $!; exit 2";
    let mut fixture = Fixture::new(&["sh", "-c", script]);
    let linux = fixture.spec.linux_mut().as_mut().unwrap();
    let pid = oci_spec::runtime::LinuxNamespaceType::Pid;
    linux
        .namespaces_mut()
        .as_mut()
        .unwrap()
        .retain(|namespace| namespace.typ() != pid);
    let (code, output) = fixture.run();
    assert_eq!(code, 2);
    // Killed; whoever inherits it may still have to bury it.
    let stat = std::path::Path::new("/proc")
        .join(output.trim())
        .join("stat");
    let text = std::fs::read_to_string(stat).unwrap_or_default();
    assert!(
        text.is_empty() || text.contains(") Z ") || text.contains(") X "),
        "{text}"
    );
    assert!(
        !Cgroup::open(&fixture.cgroup.join(fixture.id.as_str()))
            .unwrap()
            .exists()
    );
}
