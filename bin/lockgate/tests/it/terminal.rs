//! With a terminal: raw mode, size, detach keys.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::client::Lockgate;
use crate::fake::{Fake, Reply};
use crate::run::answer;

/// Both ends of a terminal of 30 rows and 100 columns.
struct Terminal {
    keyboard: File,
    screen: File,
}

impl Terminal {
    fn open() -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new())
            .unwrap()
            .into_string()
            .unwrap();
        let screen = File::options().read(true).write(true).open(name).unwrap();
        let size = Winsize {
            ws_row: 30,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&screen, size).unwrap();
        Self {
            keyboard: keyboard.into(),
            screen,
        }
    }

    fn start(&self, host: &str, words: &[&str]) -> Child {
        let end = || Stdio::from(OwnedFd::from(self.screen.try_clone().unwrap()));
        let mut command = Lockgate::new(host, words).into_command();
        command
            .stdin(end())
            .stdout(end())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.screen)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    }

    fn wait_until_raw(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.is_raw() {
            assert!(Instant::now() < end, "the terminal never became raw");
            std::thread::yield_now();
        }
    }

    fn type_keys(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }
}

fn ended(mut child: Child) -> (i32, String) {
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), text)
}

/// A daemon whose container never says anything.
fn silent() -> Fake {
    Fake::unix(|seen| answer(seen, b"", 0))
}

#[test]
fn the_detach_keys_leave_the_container_alone_and_the_terminal_as_it_was() {
    let fake = silent();
    let mut terminal = Terminal::open();
    let child = terminal.start(&fake.url, &["run", "-it", "busybox"]);
    terminal.wait_until_raw();
    terminal.type_keys(b"\x10\x11");
    assert_eq!(ended(child), (0, String::new()));
    assert!(!terminal.is_raw());
    assert!(!fake.lines().iter().any(|line| line.contains("/kill")));
}

#[test]
fn other_detach_keys_can_be_chosen() {
    let fake = silent();
    let mut terminal = Terminal::open();
    let words = ["run", "-it", "--detach-keys", "a,b", "busybox"];
    let child = terminal.start(&fake.url, &words);
    terminal.wait_until_raw();
    terminal.type_keys(b"xa\x10\x11ab");
    assert_eq!(ended(child).0, 0);
    let seen = fake.seen();
    let attach = seen
        .iter()
        .find(|seen| seen.path.contains("/attach"))
        .unwrap();
    assert!(
        attach.path.contains("attach?detachKeys=a%2Cb&"),
        "{}",
        attach.path
    );
}

#[test]
fn the_container_s_terminal_has_the_size_of_ours() {
    let fake = silent();
    let mut terminal = Terminal::open();
    let child = terminal.start(&fake.url, &["run", "-it", "busybox"]);
    terminal.wait_until_raw();
    let end = Instant::now() + Duration::from_secs(20);
    while !fake
        .lines()
        .iter()
        .any(|line| line.ends_with("/resize?h=30&w=100"))
    {
        assert!(Instant::now() < end, "{:?}", fake.lines());
        std::thread::yield_now();
    }
    terminal.type_keys(b"\x10\x11");
    assert_eq!(ended(child).0, 0);
    let seen = fake.seen();
    let create = seen
        .iter()
        .find(|seen| seen.path.contains("create"))
        .unwrap();
    assert!(create.body.contains("\"ConsoleSize\":[30,100]"));
}

#[test]
fn a_failed_start_leaves_the_terminal_as_it_was() {
    let fake = Fake::unix(|seen| {
        if seen.path.ends_with("/start") {
            Reply::Json(400, r#"{"message":"no"}"#.to_owned())
        } else {
            answer(seen, b"", 0)
        }
    });
    let terminal = Terminal::open();
    let child = terminal.start(&fake.url, &["run", "-it", "busybox"]);
    assert_eq!(ended(child).0, 125);
    assert!(!terminal.is_raw());
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let fake = silent();
    let terminal = Terminal::open();
    let child = terminal.start(&fake.url, &["run", "-it", "--sig-proxy=false", "busybox"]);
    terminal.wait_until_raw();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(ended(child).0, 143);
    assert!(!terminal.is_raw());
}
