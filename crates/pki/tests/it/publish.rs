//! Files: modes, all or nothing, nothing overwritten.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use lockgate_pki::{Authority, AuthorityFiles, Clock, IssueError, Overwrite, PublishError};

use crate::support::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn saved(bench: &Bench) -> Authority {
    let mut authority = authority();
    authority
        .save(&bench.path("ca"), &passphrase("x"), Overwrite::Refuse)
        .unwrap();
    authority
}

#[test]
fn a_set_is_three_files_with_narrow_modes_and_nothing_else() {
    let bench = Bench::new();
    let authority = saved(&bench);
    authority
        .publish(
            &server(&authority),
            &bench.path("a/b/server"),
            Overwrite::Refuse,
        )
        .unwrap();
    let all: Vec<(String, u32)> = tree(&bench.path("."))
        .into_iter()
        .map(|(path, _)| {
            (
                path.strip_prefix(bench.path("."))
                    .unwrap()
                    .display()
                    .to_string(),
                mode(&path),
            )
        })
        .collect();
    let wanted = [
        ("a", 0o700),
        ("a/b", 0o700),
        ("a/b/server", 0o700),
        ("a/b/server/ca.pem", 0o444),
        ("a/b/server/cert.pem", 0o444),
        ("a/b/server/key.pem", 0o400),
        ("ca", 0o700),
        ("ca/ca-key.pem", 0o400),
        ("ca/ca.pem", 0o444),
        ("ca/issued.jsonl", 0o600),
    ];
    let wanted: Vec<(String, u32)> = wanted.map(|(name, mode)| (name.to_owned(), mode)).into();
    assert_eq!(all, wanted);
}

#[test]
fn nothing_is_overwritten_and_nothing_recorded_without_leave() {
    let bench = Bench::new();
    let authority = saved(&bench);
    let place = bench.path("server");
    authority
        .publish(&server(&authority), &place, Overwrite::Refuse)
        .unwrap();
    let before = tree(&bench.path("."));
    let refused = authority
        .publish(&server(&authority), &place, Overwrite::Refuse)
        .unwrap_err();
    assert!(
        matches!(refused, IssueError::Publish(PublishError::Exists(_))),
        "{refused}"
    );
    assert!(refused.to_string().contains("--force"), "{refused}");
    assert_eq!(before, tree(&bench.path(".")));
    let issued = server(&authority);
    authority
        .publish(&issued, &place, Overwrite::Replace)
        .unwrap();
    assert_eq!(
        fs::read_to_string(place.join("cert.pem")).unwrap(),
        issued.certificate_pem()
    );
    assert_eq!(mode(&place.join("key.pem")), 0o400);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 3);
}

#[test]
fn one_file_in_the_way_keeps_the_whole_set_out() {
    let bench = Bench::new();
    let authority = saved(&bench);
    bench.ok("mkdir docker; echo '{}' > docker/config.json; echo mine > docker/key.pem");
    let before = tree(&bench.path("."));
    authority
        .publish(
            &client(&authority, "a"),
            &bench.path("docker"),
            Overwrite::Refuse,
        )
        .unwrap_err();
    assert_eq!(before, tree(&bench.path(".")));
    bench.ok("rm docker/key.pem");
    authority
        .publish(
            &client(&authority, "a"),
            &bench.path("docker"),
            Overwrite::Refuse,
        )
        .unwrap();
    bench.ok("test -f docker/config.json -a -f docker/cert.pem");
}

#[test]
fn a_link_to_a_directory_is_followed_and_a_link_in_the_place_of_a_file_is_not() {
    let bench = Bench::new();
    let authority = saved(&bench);
    bench.ok("mkdir real; ln -s real link; echo kept > target; ln -s ../target real/cert.pem");
    authority
        .publish(&server(&authority), &bench.path("link"), Overwrite::Refuse)
        .unwrap_err();
    authority
        .publish(&server(&authority), &bench.path("link"), Overwrite::Replace)
        .unwrap();
    bench.ok("test -L link -a ! -L real/cert.pem -a -f real/key.pem; grep -qx kept target");
}

#[test]
fn a_full_disk_leaves_nothing() {
    let disk = SmallDisk::new("12k");
    let bench = Bench::new();
    let authority = saved(&bench);
    let record = fs::read(bench.path("ca/issued.jsonl")).unwrap();
    fs::write(disk.path().join("filler"), vec![0; 4096]).unwrap();
    let place = disk.path().join("server");
    let refused = authority
        .publish(&server(&authority), &place, Overwrite::Refuse)
        .unwrap_err();
    assert!(
        matches!(refused, IssueError::Publish(PublishError::Io { .. })),
        "{refused}"
    );
    assert_eq!(
        fs::read_dir(disk.path()).unwrap().count(),
        1,
        "only the filler is there"
    );
    assert_eq!(fs::read(bench.path("ca/issued.jsonl")).unwrap(), record);
}

#[test]
fn a_record_that_cannot_be_written_keeps_the_certificate_back() {
    let bench = Bench::new();
    let authority = saved(&bench);
    bench.ok("rm ca/issued.jsonl; mkdir -p ca/issued.jsonl/x");
    let refused = authority
        .publish(
            &server(&authority),
            &bench.path("server"),
            Overwrite::Refuse,
        )
        .unwrap_err();
    assert!(matches!(refused, IssueError::Record { .. }), "{refused}");
    assert!(!bench.path("server").exists());
    assert_eq!(fs::read_dir(bench.path(".")).unwrap().count(), 1);
}

#[test]
fn writers_at_the_same_time_lose_no_line_of_the_record() {
    let bench = Bench::new();
    drop(saved(&bench));
    let files = AuthorityFiles::in_directory(&bench.path("ca"));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (bench, files) = (&bench, &files);
            scope.spawn(move || {
                let authority = Authority::open(files, Some(&secret("x")), Clock::System).unwrap();
                for number in 0..10 {
                    let name = format!("c{writer}-{number}");
                    let issued = client(&authority, &name);
                    authority
                        .publish(&issued, &bench.path(&name), Overwrite::Refuse)
                        .unwrap();
                }
            });
        }
    });
    let record = fs::read_to_string(bench.path("ca/issued.jsonl")).unwrap();
    assert_eq!(record.lines().count(), 41);
    assert!(
        record
            .lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
}

/// A file system of a few pages, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(size: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path());
        assert!(mount.status().unwrap().success(), "this test needs root");
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}
