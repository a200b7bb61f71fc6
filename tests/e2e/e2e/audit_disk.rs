//! The record of a running daemon when its file system fails, each time for real: nothing is changed that is not
//! recorded, reads go on, and what was answered is there afterwards, read from the disk.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use lockgate_testkit::{Daemon, eventually, program, run};
use serde_json::json;

use crate::audit::{Answers, check, daemon_with, records, verify};

/// A file system in a file, for the audit log alone.
struct Disk {
    dir: tempfile::TempDir,
    options: &'static str,
    copies: Cell<u32>,
}

impl Disk {
    fn ext4(options: &'static str, features: &[&str]) -> Self {
        let disk = Self::back(options, 8 << 20);
        let mut command = program("mkfs.ext4");
        command
            .args(["-q", "-F", "-m", "0"])
            .args(features)
            .arg(disk.image());
        run(&mut command, b"").ok();
        disk.mount();
        fs::create_dir(disk.logs()).unwrap();
        disk
    }

    fn btrfs() -> Self {
        let disk = Self::back("loop", 128 << 20);
        run(program("mkfs.btrfs").arg("-q").arg(disk.image()), b"").ok();
        disk.mount();
        for words in [["subvolume", "create"], ["quota", "enable"]] {
            run(program("btrfs").args(words).arg(disk.logs()), b"").ok();
        }
        disk
    }

    /// Of the folder of logs, the first subvolume; asked for above it, where that is no change beyond the quota.
    fn limit(&self, size: &str) {
        let words = ["qgroup", "limit", size, "0/256"];
        run(program("btrfs").args(words).arg(self.at()), b"").ok();
    }

    /// What is behind it is on a file system of its own, too, and has no blocks before something is written to them.
    fn back(options: &'static str, size: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("back")).unwrap();
        fs::create_dir_all(dir.path().join("at")).unwrap();
        let disk = Self {
            dir,
            options,
            copies: Cell::new(0),
        };
        let mut command = program("mount");
        command.args(["-t", "tmpfs", "-o", "size=64m", "lockgate-audit"]);
        run(command.arg(disk.dir.path().join("back")), b"").ok();
        let image = fs::File::create(disk.image()).unwrap();
        image.set_len(size).unwrap();
        disk
    }

    fn image(&self) -> PathBuf {
        let name = format!("back/image{}", self.copies.get());
        self.dir.path().join(name)
    }

    fn at(&self) -> PathBuf {
        self.dir.path().join("at")
    }

    fn logs(&self) -> PathBuf {
        self.at().join("logs")
    }

    fn log(&self) -> PathBuf {
        self.logs().join("audit.log")
    }

    fn mount(&self) {
        let mut command = program("mount");
        command.args(["-o", self.options]).arg(self.image());
        run(command.arg(self.at()), b"").ok();
    }

    /// From now on reading is from the disk. What of the file system was broken is mended, in a copy: while another
    /// process has a mount namespace of its own the kernel does not let go of what was mounted here.
    fn mount_anew(&self) {
        drop(run(program("sync").arg("-f").arg(self.at()), b""));
        run(program("umount").arg(self.at()), b"").ok();
        if self.options != "loop" {
            let before = self.image();
            self.copies.set(self.copies.get() + 1);
            let mut copy = program("cp");
            copy.arg("--sparse=always").args([before, self.image()]);
            run(&mut copy, b"").ok();
            let mended = run(program("e2fsck").arg("-fy").arg(self.image()), b"");
            assert!(mended.code() < 4, "{mended}");
        }
        self.mount();
    }

    /// Everything so far is on the disk.
    fn sync(&self) {
        run(program("sync").arg("-f").arg(self.at()), b"").ok();
    }

    fn attribute(&self, what: &str, name: &str) {
        let path = self.logs().join(name);
        run(program("chattr").arg(what).arg(path), b"").ok();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for name in ["at", "back"] {
            let at = self.dir.path().join(name);
            drop(run(program("umount").arg("-l").arg(at), b""));
        }
    }
}

/// A daemon whose answers are kept.
struct Served<'a> {
    daemon: Daemon,
    disk: &'a Disk,
    answers: Answers,
}

impl<'a> Served<'a> {
    fn on(disk: &'a Disk) -> Self {
        let served = Self {
            daemon: daemon_with(&disk.log()),
            disk,
            answers: Answers::default(),
        };
        for _ in 0..5 {
            assert_eq!(served.create(), 201);
        }
        disk.sync();
        served
    }

    fn create(&self) -> u16 {
        let mut answers = self.answers.lock().unwrap();
        let name = format!("v{}", answers.len());
        let body = json!({ "Name": name }).to_string();
        let answer = self.daemon.api("POST", "/volumes/create", Some(&body));
        if answer.status == 503 {
            assert!(answer.text().contains("audit log"), "{}", answer.text());
        }
        answers.insert(name, answer.status);
        answer.status
    }

    /// What is written goes to memory, so a disk that fails may be noticed only when a file is full; then it stays
    /// noticed.
    fn refuses(&self) {
        let refused = (0..300).any(|_| self.create() == 503);
        assert!(refused, "{}", self.daemon.log());
        for _ in 0..10 {
            assert_eq!(self.create(), 503);
        }
        assert_eq!(self.daemon.api("DELETE", "/volumes/v0", None).status, 503);
        assert_eq!(self.daemon.api("GET", "/volumes/v0", None).status, 200);
        assert_eq!(self.daemon.api("GET", "/info", None).status, 200);
    }

    /// Everything goes on; nothing that was answered is missing.
    fn goes_on(&mut self) {
        eventually("changes", || (self.create() == 201).then_some(()));
        check(&self.daemon, &self.disk.log(), &self.answers);
        self.daemon.stop();
        self.disk.mount_anew();
        let whole = verify(&self.disk.log());
        assert!(whole.ok().starts_with("whole: "), "{whole}");
        let numbers: Vec<u64> = records(&self.disk.log())
            .iter()
            .filter_map(|record| record["sequence"].as_u64())
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        self.daemon.spawn();
        check(&self.daemon, &self.disk.log(), &self.answers);
    }

    /// The trail itself says how many records there are not.
    fn said_what_is_lost(&self) {
        let told = verify(&self.disk.log());
        assert!(told.ok().contains("could not be written"), "{told}");
    }

    /// Its file system is no more what it was, and is not to be had back while somebody uses it.
    fn started_anew(&mut self) {
        self.daemon.kill();
        self.disk.mount_anew();
        self.daemon.spawn();
    }
}

// T: policy-failure
#[test]
fn when_the_disk_under_the_file_system_takes_nothing_more_nothing_is_changed() {
    let disk = Disk::ext4("loop,errors=continue", &["-O", "^has_journal"]);
    let mut served = Served::on(&disk);
    let ballast = disk.dir.path().join("back/ballast");
    let zeros = [0; 4096];
    let mut file = fs::File::create(&ballast).unwrap();
    while std::io::Write::write(&mut file, &zeros).is_ok_and(|count| count > 0) {}
    served.refuses();
    let whole = verify(&disk.log());
    assert!(whole.ok().starts_with("whole: "), "{whole}");
    drop(file);
    fs::remove_file(ballast).unwrap();
    served.goes_on();
    served.said_what_is_lost();
}

// T: policy-failure
#[test]
fn beyond_a_quota_nothing_is_changed() {
    let disk = Disk::btrfs();
    let mut served = Served::on(&disk);
    disk.limit("32k");
    served.refuses();
    let whole = verify(&disk.log());
    assert!(whole.ok().starts_with("whole: "), "{whole}");
    disk.limit("none");
    served.goes_on();
    served.said_what_is_lost();
}

// T: policy-failure
#[test]
fn files_that_may_not_be_changed_stop_changes() {
    let disk = Disk::ext4("loop,errors=remount-ro", &[]);
    let mut served = Served::on(&disk);
    for name in ["audit.log", "audit.log.head"] {
        disk.attribute("+i", name);
        served.refuses();
        disk.attribute("-i", name);
        assert_eq!(served.create(), 201, "{name}");
    }
    served.goes_on();
    served.said_what_is_lost();
}

#[test]
fn a_log_that_may_only_grow_grows_and_is_put_away_when_it_may_be() {
    let disk = Disk::ext4("loop,errors=remount-ro", &[]);
    let mut served = Served::on(&disk);
    let archives = || {
        let names = fs::read_dir(disk.logs()).unwrap();
        names
            .filter(|entry| entry.as_ref().unwrap().file_name().len() == 30)
            .count()
    };
    disk.attribute("+a", "audit.log");
    while fs::metadata(disk.log()).unwrap().len() < 80 << 10 {
        assert_eq!(served.create(), 201);
    }
    assert_eq!(archives(), 0);
    disk.attribute("-a", "audit.log");
    while archives() == 0 {
        assert_eq!(served.create(), 201);
    }
    served.goes_on();
}

// T: policy-failure
#[test]
fn when_a_file_system_makes_itself_read_only_nothing_is_changed() {
    let disk = Disk::ext4("loop,errors=remount-ro", &[]);
    let mut served = Served::on(&disk);
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let at = format!(" {} ", disk.at().display());
    let line = mounts.lines().find(|line| line.contains(&at)).unwrap();
    let device = Path::new(line.split(' ').next().unwrap());
    let device = device.file_name().unwrap().to_str().unwrap();
    // As ext4 does when it finds itself broken.
    fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "1").unwrap();
    served.refuses();
    // What can be read is whole.
    let whole = verify(&disk.log());
    assert!(whole.ok().starts_with("whole: "), "{whole}");
    served.started_anew();
    served.goes_on();
}

// T: policy-failure
#[test]
fn when_every_access_to_the_file_system_fails_nothing_is_changed() {
    // EXT4_IOC_SHUTDOWN: from then on reading and writing are EIO, as when a disk is pulled out.
    const PULL_OUT: &str = "import fcntl, os, struct, sys\n\
         fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 0))";
    let disk = Disk::ext4("loop,errors=remount-ro", &[]);
    let mut served = Served::on(&disk);
    let mut command = program("python3");
    run(command.args(["-c", PULL_OUT]).arg(disk.at()), b"").ok();
    served.refuses();
    // Nothing can be read, which is an error and no verdict.
    let unread = verify(&disk.log());
    assert_eq!(unread.code(), 1, "{unread}");
    assert!(unread.stdout.is_empty(), "{unread}");
    assert!(unread.stderr.contains("Input/output error"), "{unread}");
    served.started_anew();
    served.goes_on();
}
