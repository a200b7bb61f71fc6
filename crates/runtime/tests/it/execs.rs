//! Further processes in a running container.

use lockgate_runtime::protocol::{Reply, Request, ShimEvent};

use crate::fixture::{Fixture, exec};

#[test]
fn an_exec_runs_inside_with_its_own_streams_and_code() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let mut request = exec(&[
        "sh",
        "-c",
        "hostname; cat; ps | grep sleep | wc -l >&2; exit 9",
    ]);
    request.open_stdin = true;
    request.exit_file = Some(fixture.directory.join("exec.json"));
    let id = request.exec.clone();
    let mut stream = shim.exec(request).unwrap();
    stream.write(b"typed\n");
    stream.end_input();
    let mut frames = stream.read_frames();
    frames.sort();
    let text: String = frames
        .iter()
        .filter(|f| f.0 == 1)
        .map(|f| f.1.as_str())
        .collect();
    assert_eq!(text, "box\ntyped\n");
    assert_eq!(
        shim.control.event(),
        ShimEvent::ExecExited {
            exec: id,
            exit_code: 9
        }
    );
    let text = std::fs::read_to_string(fixture.directory.join("exec.json")).unwrap();
    assert!(text.contains("\"exitCode\":9"), "{text}");
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    assert_eq!(shim.wait().exit_code, 137);
}

#[test]
fn an_exec_is_as_confined_as_the_container() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let script = "grep -E 'Seccomp:|CapEff|CapBnd' /proc/self/status; \
                  unshare -n true; cat /proc/self/cgroup | grep memory; ls /proc/self/fd";
    let mut stream = shim.exec(exec(&["sh", "-c", script])).unwrap();
    let text = stream.read_all();
    assert!(text.contains("Seccomp:\t2"), "{text}");
    assert!(text.contains("CapEff:\t00000000a80425fb"), "{text}");
    assert!(text.contains("CapBnd:\t00000000a80425fb"), "{text}");
    assert!(text.contains("Operation not permitted"), "{text}");
    assert!(
        text.lines()
            .filter(|l| l.contains(":memory:"))
            .all(|l| l.ends_with(":/")),
        "{text}"
    );
    assert!(text.contains("\n0\n1\n2\n3\n"), "{text}");
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    shim.wait();
}

#[test]
fn an_exec_with_a_terminal_can_be_resized_and_killed() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let script = "trap 'stty size' WINCH; tty; while :; do sleep 1; done";
    let mut request = exec(&["sh", "-c", script]);
    request.process.set_terminal(Some(true));
    request.open_stdin = true;
    let id = request.exec.clone();
    let mut stream = shim.exec(request).unwrap();
    stream.read_until("/dev/pts/0");
    let resize = Request::Resize {
        exec: Some(id.clone()),
        height: 7,
        width: 8,
    };
    assert_eq!(shim.control.ask(&resize), Reply::Done);
    stream.read_until("7 8");
    let kill = Request::KillExec {
        exec: id.clone(),
        signal: 15,
    };
    assert_eq!(shim.control.ask(&kill), Reply::Done);
    stream.read_raw();
    assert_eq!(
        shim.control.event(),
        ShimEvent::ExecExited {
            exec: id,
            exit_code: 143
        }
    );
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    shim.wait();
}

#[test]
fn an_exec_that_cannot_run_is_refused_in_words() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let refusals = [
        (
            exec(&["nope"]),
            "exec: \"nope\": executable file not found in $PATH",
        ),
        (
            exec(&["/x/y"]),
            "exec: \"/x/y\": stat /x/y: no such file or directory",
        ),
    ];
    for (request, expected) in refusals {
        assert_eq!(shim.exec(request).err().unwrap(), expected);
    }
    let mut request = exec(&["true"]);
    request.process.set_cwd("/nowhere".into());
    let message = shim.exec(request).err().unwrap();
    assert!(message.contains("chdir to cwd (\"/nowhere\")"), "{message}");
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    shim.wait();
}

#[test]
fn execs_end_with_the_container_and_are_told_before_it() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let request = exec(&["sleep", "100"]);
    let id = request.exec.clone();
    let mut stream = shim.exec(request).unwrap();
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    stream.read_raw();
    assert_eq!(
        shim.control.event(),
        ShimEvent::ExecExited {
            exec: id,
            exit_code: 137
        }
    );
    assert_eq!(shim.wait().exit_code, 137);
}

#[test]
fn a_child_that_an_exec_leaves_behind_does_not_keep_its_stream_open() {
    let fixture = Fixture::new(&["sleep", "100"]);
    let mut shim = fixture.start();
    let mut stream = shim
        .exec(exec(&["sh", "-c", "sleep 50 & echo done"]))
        .unwrap();
    assert_eq!(stream.read_all(), "done\n");
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    shim.wait();
}
