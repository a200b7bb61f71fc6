//! A directory for each test, and the binary in it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A working directory with nothing of this user's settings.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `lockgate` with these words, to be changed and run.
    pub(crate) fn lockgate(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command
            .args(words.split_whitespace())
            .current_dir(self.0.path())
            .env_clear();
        command
            .env("HOME", self.0.path())
            .env("PATH", std::env::var_os("PATH").unwrap());
        command.stdin(Stdio::null());
        command
    }

    /// Runs `lockgate`, which must succeed; returns what it printed on both streams.
    pub(crate) fn ok(&self, words: &str) -> String {
        let output = self.lockgate(words).output().unwrap();
        let text = both(&output);
        assert!(output.status.success(), "lockgate {words}\n{text}");
        text
    }

    /// Runs `lockgate`, which must fail with 1 and one sentence, and change nothing.
    pub(crate) fn refused(&self, words: &str) -> String {
        self.refused_with(words, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn refused_with(&self, words: &str, environment: &[(&str, &str)]) -> String {
        let before = self.tree();
        let output = self
            .lockgate(words)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "lockgate {words}\n{}",
            both(&output)
        );
        let sentences = error.lines().filter(|line| {
            !["warning:", "note:", "hint:"]
                .iter()
                .any(|mark| line.starts_with(mark))
        });
        assert_eq!(sentences.count(), 1, "lockgate {words}\n{error}");
        assert!(
            output.stdout.is_empty(),
            "lockgate {words}\n{}",
            both(&output)
        );
        assert_eq!(
            before,
            self.tree(),
            "lockgate {words} changed something\n{error}"
        );
        error
    }

    /// Runs a shell script, which must succeed; `refuse COMMAND` in it must fail.
    pub(crate) fn sh(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        let output = command
            .args(["-ec", &format!("{REFUSE}\n{script}")])
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}\n{}", both(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every path with its mode and content.
    pub(crate) fn tree(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let mut all = Vec::new();
        walk(self.0.path(), &mut all);
        all.sort();
        all
    }
}

/// Runs a command with text on its standard input.
pub(crate) fn feed(mut command: Command, text: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn both(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn walk(directory: &Path, all: &mut Vec<(PathBuf, u32, Vec<u8>)>) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_dir() {
            walk(&path, all);
            all.push((path, mode, Vec::new()));
        } else {
            let content = fs::read(&path).unwrap_or_default();
            all.push((path, mode, content));
        }
    }
}

/// `refuse COMMAND…` fails if the command succeeds; `! COMMAND` would not end the script.
const REFUSE: &str = r#"refuse() { if "$@"; then echo "accepted: $*" >&2; exit 1; fi; }"#;
