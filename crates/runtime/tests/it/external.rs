//! Containers that another runtime makes under our shim.

use std::path::Path;

use lockgate_runtime::protocol::{Reply, Request, RuntimeChoice, ShimEvent};

use crate::fixture::{Fixture, exec};

fn fixture(program: &str, args: &[&str]) -> Fixture {
    let mut fixture = Fixture::new(args);
    let root = fixture.directory.join("runtime");
    std::fs::create_dir(&root).unwrap();
    fixture.request.runtime = RuntimeChoice::External {
        path: program.into(),
        args: Vec::new(),
        root,
    };
    fixture
}

fn each(args: &[&str], test: impl Fn(&mut Fixture)) {
    for program in ["/usr/sbin/runc", env!("CARGO_BIN_EXE_lockgate-oci")] {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mut fixture = fixture(program, args);
        test(&mut fixture);
        let after = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert_eq!(after, mounts, "{program} leaves no mounts");
        let left = std::fs::read_dir(fixture.directory.join("runtime"))
            .unwrap()
            .count();
        assert_eq!(left, 0, "{program} leaves no state");
    }
}

#[test]
fn it_runs_and_its_output_and_exit_are_kept() {
    each(&["sh", "-c", "echo out; echo err >&2; exit 7"], |fixture| {
        let (code, output) = fixture.run();
        assert_eq!(code, 7);
        assert!(
            output.contains("out\n") && output.contains("err\n"),
            "{output}"
        );
        assert_eq!(fixture.log().len(), 2);
    });
}

#[test]
fn execs_and_signals_reach_it() {
    each(&["sleep", "100"], |fixture| {
        let mut shim = fixture.start();
        let request = exec(&["sh", "-c", "hostname; exit 4"]);
        let id = request.exec.clone();
        let mut stream = shim.exec(request).unwrap();
        assert_eq!(stream.read_all(), "box\n");
        assert_eq!(
            shim.control.event(),
            ShimEvent::ExecExited {
                exec: id,
                exit_code: 4
            }
        );
        assert_eq!(
            shim.control.ask(&Request::Kill {
                signal: 9,
                all: false
            }),
            Reply::Done
        );
        assert_eq!(shim.wait().exit_code, 137);
    });
}

#[test]
fn its_terminal_is_ours() {
    each(&["sh", "-c", "stty size; exit 2"], |fixture| {
        fixture.process().set_terminal(Some(true));
        fixture.request.terminal = true;
        fixture.request.console_size = [12, 34];
        let mut shim = fixture.create();
        let mut stream = shim.attach(false);
        shim.control.ask(&Request::Start);
        let text = String::from_utf8(stream.read_raw()).unwrap();
        assert_eq!(text, "12 34\r\n");
        assert_eq!(shim.wait().exit_code, 2);
    });
}

#[test]
fn its_refusal_is_told_in_its_words() {
    each(&["nope"], |fixture| {
        let message = fixture.refusal();
        assert!(
            message.contains("exec: \"nope\": executable file not found in $PATH"),
            "{message}"
        );
    });
}

#[test]
fn a_runtime_that_is_not_there_is_an_error() {
    let fixture = fixture("/nowhere/runtime", &["true"]);
    assert!(fixture.refusal().contains("starting the runtime"));
    assert!(!Path::new("/nowhere").exists());
}
