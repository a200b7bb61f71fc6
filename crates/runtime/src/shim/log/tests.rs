use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lockgate-log-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn log(&self, max_size: Option<u64>, max_file: u32, attrs: &[(&str, &str)]) -> Log {
        let attrs = attrs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let path = self.0.join("log");
        Log::open(&LogTarget::JsonFile {
            path,
            max_size,
            max_file,
            attrs,
            compressor: None,
        })
        .unwrap()
        .unwrap()
    }

    fn read(&self, name: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.0.join(name)).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let text = |value: &serde_json::Value| value["log"].as_str().unwrap().to_owned();
        self.read(name).iter().map(text).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_line_looks_as_docker_writes_it() {
    let scratch = Scratch::new();
    let mut log = scratch.log(None, 1, &[("tag", "x")]);
    log.write(Stream::Stderr, b"a\n").unwrap();
    let text = fs::read_to_string(scratch.0.join("log")).unwrap();
    let start = "{\"log\":\"a\\n\",\"stream\":\"stderr\",\"attrs\":{\"tag\":\"x\"},\"time\":\"20";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("Z\"}\n"), "{text}");
}

#[test]
fn lines_are_put_together_and_the_streams_kept_apart() {
    let scratch = Scratch::new();
    let mut log = scratch.log(None, 1, &[]);
    log.write(Stream::Stdout, b"one\ntw").unwrap();
    log.write(Stream::Stderr, b"error\n").unwrap();
    log.write(Stream::Stdout, b"o\nthr").unwrap();
    assert_eq!(scratch.texts("log"), ["one\n", "error\n", "two\n"]);
    log.finish(Stream::Stdout).unwrap();
    log.finish(Stream::Stderr).unwrap();
    assert_eq!(scratch.texts("log"), ["one\n", "error\n", "two\n", "thr"]);
}

#[test]
fn long_lines_become_pieces_of_16_kib() {
    let scratch = Scratch::new();
    let mut log = scratch.log(None, 1, &[]);
    let line = "x".repeat(40_000);
    for part in line.as_bytes().chunks(5000) {
        log.write(Stream::Stdout, part).unwrap();
    }
    log.write(Stream::Stdout, b"\n").unwrap();
    log.write(
        Stream::Stdout,
        &[vec![b'y'; MAX_LINE], vec![b'\n']].concat(),
    )
    .unwrap();
    let lengths: Vec<usize> = scratch.texts("log").iter().map(String::len).collect();
    assert_eq!(
        lengths,
        [MAX_LINE, MAX_LINE, 40_001 - 2 * MAX_LINE, MAX_LINE + 1]
    );
}

#[test]
fn escapes_what_json_needs_and_survives_any_bytes() {
    let mut out = Vec::new();
    escape::escape("a\"\\\t\u{1}<é\u{2028}\u{1F600}\n".as_bytes(), &mut out);
    let expected = "a\\\"\\\\\\u0009\\u0001\\u003cé\\u2028\u{1F600}\\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    let mut out = Vec::new();
    escape::escape(b"\xff\xe2\x82 ok \xc3", &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "\\ufffd\\ufffd\\ufffd ok \\ufffd"
    );
}

#[test]
fn rotates_by_size_and_keeps_so_many_files() {
    let scratch = Scratch::new();
    let mut log = scratch.log(Some(200), 3, &[]);
    let lines = (0..20)
        .map(|n| format!("line {n}\n"))
        .collect::<Vec<_>>()
        .concat();
    log.write(Stream::Stdout, lines.as_bytes()).unwrap();
    let mut names: Vec<_> = fs::read_dir(&scratch.0)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["log", "log.1", "log.2"]);
    let all = [
        scratch.texts("log.2"),
        scratch.texts("log.1"),
        scratch.texts("log"),
    ]
    .concat();
    let kept = all.len();
    let expected: Vec<String> = (20 - kept..20).map(|n| format!("line {n}\n")).collect();
    assert_eq!(all, expected);
}

#[test]
fn a_single_file_is_emptied_when_full() {
    let scratch = Scratch::new();
    let mut log = scratch.log(Some(100), 1, &[]);
    for n in 0..5 {
        log.write(Stream::Stdout, format!("line {n}\n").as_bytes())
            .unwrap();
    }
    assert_eq!(scratch.texts("log"), ["line 4\n"]);
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
}
