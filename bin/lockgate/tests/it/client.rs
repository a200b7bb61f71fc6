//! Starts the program under test.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program with an environment of its own.
pub(crate) struct Lockgate {
    command: Command,
    stdin: String,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Lockgate {
    /// `lockgate` with these words, towards this daemon.
    pub(crate) fn new(host: &str, words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("PATH", "/usr/bin:/bin");
        command.env("DOCKER_HOST", host).args(words);
        Self {
            command,
            stdin: String::new(),
        }
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    /// What it reads.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Ended {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read may be gone already.
        stdin.write_all(self.stdin.as_bytes()).unwrap_or_default();
        drop(stdin);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Ended {
            status: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The command itself, for tests that start it in their own way.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}

/// Runs `lockgate` with these words.
pub(crate) fn lockgate(host: &str, words: &[&str]) -> Ended {
    Lockgate::new(host, words).run()
}
