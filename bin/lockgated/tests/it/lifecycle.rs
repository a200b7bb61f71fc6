//! From start to end.

use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::Command;

use crate::daemon::{Daemon, command, program, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn starts_serves_and_ends_on_sigterm_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(dir);
    assert_eq!(daemon.ping(), "HTTP/1.1 200 OK");
    let pidfile = daemon.path("exec/lockgated.pid");
    assert_eq!(
        std::fs::read_to_string(&pidfile).unwrap().trim(),
        daemon.child.id().to_string()
    );
    daemon.signal("TERM");
    daemon.logs("stopped");
    assert!(daemon.child.wait().unwrap().success());
    assert!(!daemon.path("sock").exists() && !pidfile.exists());
}

#[test]
fn a_second_daemon_on_one_data_root_is_told_of_the_first() {
    let daemon = Daemon::start(tempfile::tempdir().unwrap());
    let second = run(&daemon.dir, &["-H", "unix:///tmp/lockgated-never.sock"]);
    assert_eq!(second.status.code(), Some(1));
    let told = text(&second.stderr);
    assert!(
        told.contains(&format!("process id {}", daemon.child.id())),
        "{told}"
    );
    assert_eq!(daemon.ping(), "HTTP/1.1 200 OK");
}

#[test]
fn survives_being_killed() {
    let mut daemon = Daemon::start(tempfile::tempdir().unwrap());
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    let dir = std::mem::replace(&mut daemon.dir, tempfile::tempdir().unwrap());
    let again = Daemon::start(dir);
    assert_eq!(again.ping(), "HTTP/1.1 200 OK");
}

#[test]
fn is_the_same_under_the_stock_name() {
    let dir = tempfile::tempdir().unwrap();
    let dockerd = dir.path().join("dockerd");
    std::os::unix::fs::symlink(program(), &dockerd).unwrap();
    let output = command(dockerd.to_str().unwrap(), &dir)
        .arg("--validate")
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), "configuration OK\n")
    );
    assert!(!dir.path().join("data").exists());
    let output = Command::new(&dockerd).arg("-v").output().unwrap();
    assert!(text(&output.stdout).starts_with("lockgated version "));
}

#[test]
fn a_configuration_that_is_refused_says_why() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("daemon.json"), "{\"storage-drivers\":1}").unwrap();
    let output = run(&dir, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did you mean `storage-driver`?"));
    std::fs::write(dir.path().join("daemon.json"), "{}").unwrap();
    for args in [
        &["-H", "tcp://127.0.0.1:0"][..],
        &["-H", "tcp://0.0.0.0:0", "--insecure-tcp-loopback-only"],
    ] {
        let output = run(&dir, args);
        assert_eq!(output.status.code(), Some(1));
    }
    let output = run(&dir, &["--nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    std::fs::write(dir.path().join("policy.toml"), "[[binding]]\n").unwrap();
    let output = run(&dir, &["--validate"]);
    assert!(
        text(&output.stderr).contains("line 1"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn says_ready_and_stopping_to_the_service_manager() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    notify
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    let mut start = command(program(), &dir);
    start
        .env("NOTIFY_SOCKET", &path)
        .arg("-H")
        .arg(format!("unix://{}", dir.path().join("sock").display()));
    let mut daemon = Daemon::spawn(start, dir);
    let hears = || {
        let mut buffer = [0; 256];
        let count = notify.recv(&mut buffer).unwrap();
        text(&buffer[..count])
    };
    assert!(hears().starts_with("READY=1"));
    daemon.signal("INT");
    assert!(hears().starts_with("STOPPING=1"));
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn pings_the_service_manager_as_often_as_it_asks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    let wait = std::time::Duration::from_secs(20);
    notify.set_read_timeout(Some(wait)).unwrap();
    let mut start = command(program(), &dir);
    start
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000")
        .arg("-H")
        .arg(format!("unix://{}", dir.path().join("sock").display()));
    let _daemon = Daemon::spawn(start, dir);
    let hears = || {
        let mut buffer = [0; 256];
        let count = notify.recv(&mut buffer).unwrap();
        text(&buffer[..count])
    };
    assert!(hears().starts_with("READY=1"));
    for _ in 0..3 {
        assert_eq!(hears().trim_end(), "WATCHDOG=1");
    }
}

#[test]
fn takes_over_the_sockets_of_a_service_manager() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    // The shell puts the socket where the protocol wants it, and execs under the pid it names.
    let inner = command(program(), &dir);
    let mut start = Command::new("sh");
    start
        .arg("-c")
        .arg("exec 3<&0; exec </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=api exec \"$0\" \"$@\"")
        .arg(inner.get_program())
        .args(inner.get_args())
        .args(["-H", "fd://"])
        .stdin(std::os::fd::OwnedFd::from(listener));
    let mut daemon = Daemon::spawn(start, dir);
    assert_eq!(daemon.ping(), "HTTP/1.1 200 OK");
    daemon.signal("TERM");
    assert!(daemon.child.wait().unwrap().success());
    // It is not ours to remove.
    assert!(path.exists());
}

#[test]
fn takes_a_new_policy_on_sighup_and_on_change_and_keeps_the_last_good_one() {
    let mut daemon = Daemon::start(tempfile::tempdir().unwrap());
    let policy = daemon.path("policy.toml");
    std::fs::write(&policy, "[[bindings]]\nroles = [\"viewer\"]\nuid = 1000\n").unwrap();
    daemon.logs("reloading why=Change");
    daemon.logs("policy in place");
    std::fs::write(&policy, "[[binding]]\n").unwrap();
    daemon.signal("HUP");
    let line = daemon.logs("POLICY NOT RELOADED");
    assert!(line.contains("line 1"), "{line}");
    assert_eq!(daemon.ping(), "HTTP/1.1 200 OK");
}

#[test]
fn a_rotated_audit_log_is_opened_again_on_sighup() {
    let mut daemon = Daemon::start(tempfile::tempdir().unwrap());
    daemon.ping();
    let (log, old) = (
        daemon.path("data/audit.log"),
        daemon.path("data/audit.log.1"),
    );
    std::fs::rename(&log, &old).unwrap();
    daemon.signal("HUP");
    daemon.logs("policy in place");
    // The trail is opened right after the policy; a second signal waits for the first.
    daemon.signal("HUP");
    daemon.logs("policy in place");
    daemon.ping();
    let pings = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.matches("\"SystemPing\"").count()
    };
    assert_eq!((pings(&old), pings(&log)), (1, 1));
}
