//! The record of a running daemon when its disk is full, and when the daemon is killed: what was answered is written,
//! what was not written was not done.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use lockgate_testkit::{Daemon, DaemonOptions, Ended, eventually, program, request, run};
use serde_json::{Value, json};

/// A file system of its own for the audit log.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(kib: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k");
        run(
            program("mount")
                .args(["-t", "tmpfs", "-o", &size, "lockgate-audit"])
                .arg(dir.path()),
            b"",
        )
        .ok();
        Self(dir)
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("audit.log")
    }

    fn fill(&self) {
        let mut ballast = File::create(self.0.path().join("ballast")).unwrap();
        while ballast.write_all(&[0; 256]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(run(program("umount").arg("-l").arg(self.0.path()), b""));
    }
}

/// All records, in their order.
pub(crate) fn records(log: &Path) -> Vec<Value> {
    let text = run(
        program(lockgate_testkit::binary("lockgate"))
            .args(["audit", "export", "--log"])
            .arg(log),
        b"",
    );
    let lines = text.ok().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn verify(log: &Path) -> Ended {
    run(
        program(lockgate_testkit::binary("lockgate"))
            .args(["audit", "verify", "--log"])
            .arg(log),
        b"",
    )
}

/// The status of each volume's creation.
pub(crate) type Answers = Mutex<BTreeMap<String, u16>>;

/// Creates volumes until told to stop, or until the daemon is gone.
fn load(socket: &Path, worker: usize, stop: &AtomicBool, answers: &Answers) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("v{worker}-{number}");
        let body = json!({ "Name": name }).to_string();
        let ask = || request(socket, "POST", "/volumes/create", Some(&body)).status;
        // A request that a kill cuts off panics in the client; it was not answered.
        let Ok(status) = catch_unwind(AssertUnwindSafe(ask)) else {
            return;
        };
        answers.lock().unwrap().insert(name, status);
    }
}

fn count(answers: &Answers, status: u16) -> usize {
    let answers = answers.lock().unwrap();
    answers.values().filter(|found| **found == status).count()
}

fn daemon_on(disk: &Disk) -> Daemon {
    daemon_with(&disk.log())
}

/// Its files are short.
pub(crate) fn daemon_with(log: &Path) -> Daemon {
    Daemon::start_with(DaemonOptions {
        config: Some(json!({ "audit-log": log, "audit-max-size": "64k" })),
        ..DaemonOptions::default()
    })
}

/// The volumes that were made are those that were answered so, and each is recorded.
pub(crate) fn check(daemon: &Daemon, log: &Path, answers: &Answers) {
    let list = daemon.api("GET", "/volumes", None).json();
    let volumes = list["Volumes"].as_array().unwrap();
    let made: Vec<&str> = volumes
        .iter()
        .filter_map(|it| it["Name"].as_str())
        .collect();
    let answers = answers.lock().unwrap();
    for (name, status) in &*answers {
        let is_made = made.contains(&name.as_str());
        assert_eq!(is_made, *status == 201, "{name} was answered {status}");
        assert!(matches!(status, 201 | 503), "{name} was answered {status}");
    }
    let is_creation =
        |record: &&Value| record["operation"] == "VolumeCreate" && record["decision"] == "allow";
    let allowed = records(log).iter().filter(is_creation).count();
    assert!(
        allowed >= made.len(),
        "{allowed} records of {} acts",
        made.len()
    );
}

// T: policy-failure
#[test]
fn on_a_full_disk_nothing_is_changed_reads_go_on_and_the_trail_stays_whole() {
    let disk = Disk::new(256);
    let mut daemon = daemon_on(&disk);
    let (stop, answers) = (AtomicBool::new(false), Answers::default());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (socket, stop, answers) = (daemon.socket(), &stop, &answers);
            scope.spawn(move || load(&socket, worker, stop, answers));
        }
        eventually("some volumes", || {
            (count(&answers, 201) > 120).then_some(())
        });
        disk.fill();
        eventually("refusals", || (count(&answers, 503) > 20).then_some(()));
        stop.store(true, Ordering::Relaxed);
    });
    check(&daemon, &disk.log(), &answers);
    let whole = verify(&disk.log());
    assert!(whole.ok().starts_with("whole: "), "{whole}");
    // Killed and started on the full disk: still nothing but reading.
    daemon.kill();
    daemon.spawn();
    let refused = daemon.api("POST", "/volumes/create", Some(r#"{"Name":"more"}"#));
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("audit log"), "{}", refused.text());
    check(&daemon, &disk.log(), &answers);
    // Room again, and everything goes on; what was lost since the start is said.
    disk.free();
    daemon.docker(&["volume", "create", "more"]).ok();
    answers.lock().unwrap().insert("more".to_owned(), 201);
    check(&daemon, &disk.log(), &answers);
    daemon.stop();
    let whole = verify(&disk.log());
    assert!(whole.ok().starts_with("whole: "), "{whole}");
    assert!(whole.ok().contains("could not be written"), "{whole}");
    let numbers: Vec<u64> = records(&disk.log())
        .iter()
        .filter_map(|record| record["sequence"].as_u64())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert!(
        fs::read_dir(disk.0.path()).unwrap().count() > 4,
        "it was rotated"
    );
    let complaints = daemon.log().matches("AUDIT RECORD LOST").count();
    assert!(
        (1..20).contains(&complaints),
        "{complaints} lines in another log"
    );
}

// T: policy-failure
#[test]
fn a_folder_that_is_gone_stops_changes_until_there_is_one() {
    let disk = Disk::new(512);
    let folder = disk.0.path().join("logs");
    fs::create_dir(&folder).unwrap();
    let log = folder.join("audit.log");
    let daemon = Daemon::start_with(DaemonOptions {
        config: Some(json!({ "audit-log": log })),
        ..DaemonOptions::default()
    });
    let create = |name: &str| {
        let body = json!({ "Name": name }).to_string();
        daemon.api("POST", "/volumes/create", Some(&body)).status
    };
    assert_eq!(create("one"), 201);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(create("two"), 503);
    assert_eq!(daemon.api("GET", "/info", None).status, 200);
    fs::create_dir(&folder).unwrap();
    assert_eq!(create("three"), 201);
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("VolumeCreate"), "{text}");
    assert!(daemon.log().contains("THE AUDIT LOG WAS DELETED"));
    let list = daemon.api("GET", "/volumes", None).text();
    assert!(!list.contains("\"two\""), "{list}");
}

// T: audit-tampering
#[test]
fn the_tool_says_where_a_trail_was_changed_and_its_status_is_one() {
    let disk = Disk::new(512);
    let mut daemon = daemon_on(&disk);
    daemon.docker(&["volume", "create", "precious"]).ok();
    daemon.docker(&["volume", "rm", "precious"]).ok();
    daemon.stop();
    let text = fs::read_to_string(disk.log()).unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("\"target\":\"precious\""))
        .unwrap();
    fs::write(disk.log(), text.replace("precious", "nothing")).unwrap();
    let found = verify(&disk.log());
    assert_eq!(found.code(), 1, "{found}");
    let place = format!("{}:{}: record ", disk.log().display(), line + 1);
    assert!(found.stdout.contains(&place), "{found}");
    assert!(found.stdout.contains("NOT WHOLE"), "{found}");
    // And a folder without a trail, or without a key, is an error and no verdict.
    let nothing = verify(&disk.0.path().join("none.log"));
    assert_eq!(nothing.code(), 1, "{nothing}");
    assert!(nothing.stdout.is_empty(), "{nothing}");
}

/// What verify may say of a trail whose daemon was killed at any instruction.
fn only_cut_short(found: &Ended) {
    let findings = found.stdout.lines().filter(|line| line.starts_with('/'));
    for finding in findings {
        let is_cut = finding.contains("the last line is cut short");
        let is_last = finding.contains("are not known to the signed head");
        assert!(is_cut || is_last, "{found}");
    }
}

#[test]
fn what_was_answered_before_a_kill_is_in_the_trail() {
    let disk = Disk::new(16 * 1024);
    let mut daemon = daemon_on(&disk);
    let answers = Mutex::new(Vec::new());
    for round in 0..6_usize {
        let enough = answers.lock().unwrap().len() + 40 + 17 * round;
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let (socket, answers) = (daemon.socket(), &answers);
                scope.spawn(move || {
                    for number in 0..100_000 {
                        let name = format!("r{round}w{worker}n{number}");
                        let target = format!("/volumes/{name}");
                        let ask = || request(&socket, "DELETE", &target, None).status;
                        let Ok(404) = catch_unwind(AssertUnwindSafe(ask)) else {
                            return;
                        };
                        answers.lock().unwrap().push(name);
                    }
                });
            }
            eventually("answers", || {
                (answers.lock().unwrap().len() > enough).then_some(())
            });
            daemon.kill();
        });
        only_cut_short(&verify(&disk.log()));
        daemon.spawn();
        let whole = verify(&disk.log());
        assert!(whole.ok().starts_with("whole: "), "{whole}");
    }
    let records = records(&disk.log());
    let mut decided = BTreeMap::new();
    for record in &records {
        if record["event"] == "decision" {
            decided.insert(record["target"].as_str().unwrap_or_default(), record);
        }
    }
    for name in &*answers.lock().unwrap() {
        let record = decided.get(name.as_str());
        assert!(record.is_some(), "{name} was answered and is not recorded");
    }
}

#[test]
fn a_follower_sees_every_record_across_files() {
    let disk = Disk::new(1024);
    let daemon = daemon_on(&disk);
    let seen = daemon.path("seen");
    let mut tail = program(lockgate_testkit::binary("lockgate"))
        .args(["audit", "tail", "-f", "-n", "0", "--log"])
        .arg(disk.log())
        .stdout(File::create(&seen).unwrap())
        .spawn()
        .unwrap();
    let mut asked = 0;
    let numbers = eventually("the newest record", || {
        // More than one file in a single look of the follower.
        for _ in 0..60 {
            asked += 1;
            daemon.api("GET", &format!("/volumes/x{asked}"), None);
        }
        let text = fs::read_to_string(&seen).unwrap();
        let numbers: Vec<u64> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["sequence"].as_u64())
            .collect();
        (numbers.len() > 400).then_some(numbers)
    });
    tail.kill().unwrap();
    assert_eq!(tail.wait().unwrap().signal(), Some(9));
    let gap = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]);
    assert_eq!(gap, None);
}
