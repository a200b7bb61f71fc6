//! Standard streams: attached clients, terminals, logs.

use lockgate_runtime::protocol::{LogTarget, Reply, Request};

use crate::fixture::Fixture;

#[test]
fn input_reaches_the_program_and_half_close_ends_it() {
    let mut fixture = Fixture::new(&["cat"]);
    fixture.request.open_stdin = true;
    fixture.request.stdin_once = true;
    let mut shim = fixture.start();
    let mut stream = shim.attach(true);
    stream.write(b"hello\n");
    stream.end_input();
    assert_eq!(stream.read_all(), "hello\n");
    assert_eq!(shim.wait().exit_code, 0);
}

#[test]
fn without_stdin_once_another_client_can_go_on() {
    let mut fixture = Fixture::new(&["sh", "-c", "read a; echo $a; read b; echo $b"]);
    fixture.request.open_stdin = true;
    let mut shim = fixture.start();
    let mut first = shim.attach(true);
    first.write(b"one\n");
    first.end_input();
    assert!(first.read_until("one").contains("one"));
    let mut second = shim.attach(true);
    second.write(b"two\n");
    assert_eq!(second.read_all(), "two\n");
    assert_eq!(shim.wait().exit_code, 0);
}

#[test]
fn without_open_stdin_the_program_reads_the_end() {
    let mut fixture = Fixture::new(&["cat"]);
    fixture.request.open_stdin = false;
    assert_eq!(fixture.run(), (0, String::new()));
}

#[test]
fn a_terminal_is_one_with_size_and_session() {
    let mut fixture = Fixture::new(&["sh", "-c", "tty; stty size; cat; exit 3"]);
    fixture.process().set_terminal(Some(true));
    fixture.request.terminal = true;
    fixture.request.open_stdin = true;
    fixture.request.console_size = [33, 99];
    let mut shim = fixture.create();
    let mut stream = shim.attach(true);
    shim.control.ask(&Request::Start);
    let text = stream.read_until("33 99");
    assert!(
        text.contains("/dev/pts/0") || text.contains("/dev/console"),
        "{text}"
    );
    stream.write(b"typed\n");
    // Once as the terminal's echo, once from `cat`; nobody says in how many pieces they come.
    stream.read_until("typed\r\ntyped\r\n");
    stream.write(b"\x04");
    stream.read_raw();
    assert_eq!(shim.wait().exit_code, 3);
    assert!(fixture.log().iter().all(|(stream, _)| stream == "stdout"));
}

#[test]
fn a_terminal_can_be_resized_and_its_keys_interrupt() {
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 1; done";
    let mut fixture = Fixture::new(&["sh", "-c", script]);
    fixture.process().set_terminal(Some(true));
    fixture.request.terminal = true;
    fixture.request.open_stdin = true;
    let mut shim = fixture.create();
    let mut stream = shim.attach(true);
    shim.control.ask(&Request::Start);
    stream.read_until("ready");
    let resize = Request::Resize {
        exec: None,
        height: 11,
        width: 22,
    };
    assert_eq!(shim.control.ask(&resize), Reply::Done);
    stream.read_until("11 22");
    stream.write(b"\x03");
    assert_eq!(shim.wait().exit_code, 130);
}

#[test]
fn a_client_that_does_not_read_holds_the_program_up_and_gets_everything() {
    let fixture = Fixture::new(&["seq", "1", "300000"]);
    let mut shim = fixture.create();
    let mut slow = shim.attach(false);
    shim.control.ask(&Request::Start);
    // The program cannot end while so much waits for the client.
    let state = shim.control.ask(&Request::State);
    assert!(
        matches!(state, Reply::State(ref s) if s.exit.is_none()),
        "{state:?}"
    );
    let text = slow.read_all();
    assert_eq!(text.lines().count(), 300_000);
    assert!(text.ends_with("\n300000\n"));
    assert_eq!(shim.wait().exit_code, 0);
    assert_eq!(fixture.log().len(), 300_000);
}

#[test]
fn a_client_that_vanishes_does_not_stop_the_program() {
    let fixture = Fixture::new(&["sh", "-c", "seq 1 200000; exit 4"]);
    let mut shim = fixture.create();
    let gone = shim.attach(false);
    shim.control.ask(&Request::Start);
    drop(gone);
    assert_eq!(shim.wait().exit_code, 4);
    assert_eq!(fixture.log().len(), 200_000);
}

#[test]
fn the_log_rotates_by_size() {
    let mut fixture = Fixture::new(&["seq", "1", "1000"]);
    let path = fixture.directory.join("log");
    fixture.request.log = LogTarget::JsonFile {
        path,
        max_size: Some(10_000),
        max_file: 3,
        attrs: [("tag".to_owned(), "t".to_owned())].into(),
        compressor: None,
    };
    assert_eq!(fixture.run().0, 0);
    let lines = fixture.log();
    assert_eq!(lines.last().unwrap().1, "1000\n");
    for name in ["log.1", "log.2"] {
        let size = std::fs::metadata(fixture.directory.join(name))
            .unwrap()
            .len();
        assert!((10_000..10_200).contains(&size), "{name}: {size}");
    }
    assert!(!fixture.directory.join("log.3").exists());
}
