//! Running programs to the end.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// How a program ended and what it wrote.
#[derive(Debug)]
pub struct Ended {
    command: String,
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output, as text.
    pub stdout: String,
    /// Standard error, as text.
    pub stderr: String,
}

impl Ended {
    /// Panics unless the program succeeded; returns its output without the final newline.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert!(self.status.success(), "{self}");
        self.stdout.trim_end_matches('\n')
    }

    /// The exit code; -1 if a signal ended it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// Panics unless the program failed with `code` and its standard error contains `text`.
    #[track_caller]
    pub fn failed_with(&self, code: i32, text: &str) {
        assert_eq!(self.code(), code, "{self}");
        assert!(self.stderr.contains(text), "`{text}` is missing: {self}");
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            command,
            status,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "`{command}` ended with {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

/// A command without any client setting of the developer's own.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("DOCKER_") || text.starts_with("LOCKGATE_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs to the end with `stdin` as input.
#[track_caller]
pub fn run(command: &mut Command, stdin: &[u8]) -> Ended {
    let text = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {text}: {error}"));
    let mut pipe = child.stdin.take().expect("stdin is piped");
    let input = stdin.to_vec();
    // A program that does not read its input to the end is no failure of the test.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().expect("waiting for a child");
    writer.join().expect("the writer does not panic");
    Ended {
        command: text,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// One of our binaries: in `LOCKGATE_BIN_DIR`, or beside the test's own build.
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("LOCKGATE_BIN_DIR").map_or_else(
        || {
            let exe = std::env::current_exe().expect("the test's own path");
            exe.ancestors()
                .nth(2)
                .expect("target/…/deps/test")
                .to_path_buf()
        },
        PathBuf::from,
    );
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo xtask e2e`",
        path.display()
    );
    path
}
