//! Files that are not what they should be, or not any more.

use std::os::unix::fs::{MetadataExt, symlink};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

fn fifo(path: &Path) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
}

fn cause(error: &AuditError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// Open, with so much as the length of a file.
fn open(place: &Place, max_bytes: u64) -> AuditLog {
    let mut config = AuditConfig::new(&place.log());
    config.max_bytes = max_bytes;
    AuditLog::open_with(config).unwrap()
}

// T: audit-files
#[test]
fn two_daemons_cannot_write_one_trail() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    let error = AuditLog::open(&place.log()).unwrap_err();
    assert!(
        cause(&error).contains("another process writes"),
        "{error:?}"
    );
    log.reopen().unwrap();
    log.write(&decision(&root())).unwrap();
    drop(log);
    place.write(1);
    assert!(place.verify().is_whole());
}

// T: audit-files
#[test]
fn a_pipe_that_nobody_reads_is_full_and_not_waited_for() {
    let place = Place::new();
    fifo(&place.log());
    let log = AuditLog::open(&place.log()).unwrap();
    let written = (0..1000).take_while(|_| log.write(&decision(&root())).is_ok());
    assert!(written.count() < 1000);
}

// T: audit-files
#[test]
fn nothing_in_place_of_a_file_beside_the_log_is_waited_for_or_followed() {
    for name in ["key", "head", "pub"] {
        for kind in ["fifo", "directory", "link", "device"] {
            let place = Place::new();
            let path = place.dir.path().join(format!("audit.log.{name}"));
            let victim = place.dir.path().join("victim");
            std::fs::write(&victim, "untouched").unwrap();
            match kind {
                "fifo" => fifo(&path),
                "directory" => std::fs::create_dir(&path).unwrap(),
                "link" => symlink(&victim, &path).unwrap(),
                _ => symlink("/dev/zero", &path).unwrap(),
            }
            let opened = AuditLog::open(&place.log());
            // A public key is written anew in its place, unless it is a directory.
            assert_eq!(
                opened.is_ok(),
                name == "pub" && kind != "directory",
                "{name} {kind}"
            );
            assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
        }
    }
}

// T: audit-files
#[test]
fn the_verifier_waits_for_nothing_either() {
    for name in ["head", "pub", "00000000000000000001"] {
        let place = Place::new();
        place.write(1);
        let path = place.dir.path().join(format!("audit.log.{name}"));
        drop(std::fs::remove_file(&path));
        fifo(&path);
        let files = AuditFiles::find(&place.log()).unwrap();
        let key = files.key();
        let is_whole = key.and_then(|key| files.verify(&key));
        assert!(!is_whole.is_ok_and(|report| report.is_whole()), "{name}");
    }
}

// T: audit-files
#[test]
fn a_link_to_a_file_is_refused_and_one_to_a_device_is_not() {
    let place = Place::new();
    let elsewhere = place.dir.path().join("elsewhere");
    symlink(&elsewhere, place.log()).unwrap();
    for _ in 0..2 {
        AuditLog::open(&place.log()).unwrap_err();
        std::fs::write(&elsewhere, "").unwrap();
    }
    let error = AuditLog::open(&place.log()).unwrap_err();
    assert!(cause(&error).contains("symbolic link"), "{error:?}");
    std::fs::remove_file(place.log()).unwrap();
    symlink("/dev/null", place.log()).unwrap();
    let log = AuditLog::open(&place.log()).unwrap();
    log.write(&decision(&root())).unwrap();
    assert!(log.key().is_none());
}

// T: audit-files
#[test]
fn a_key_that_was_prepared_by_somebody_else_is_not_taken() {
    let place = Place::new();
    let unfinished = place.dir.path().join("audit.log.key.new");
    std::fs::write(&unfinished, "").unwrap();
    std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o666)).unwrap();
    let theirs = std::fs::metadata(&unfinished).unwrap().ino();
    let held = std::fs::File::open(&unfinished).unwrap();
    place.write(0);
    let key = std::fs::metadata(place.dir.path().join("audit.log.key")).unwrap();
    assert_ne!(key.ino(), theirs, "whoever has it open could read the key");
    assert_eq!(key.mode() & 0o777, 0o400);
    drop(held);

    rustix::fs::chown(
        place.dir.path().join("audit.log.key"),
        Some(rustix::fs::Uid::from_raw(65_534)),
        None,
    )
    .unwrap();
    let error = AuditLog::open(&place.log()).unwrap_err();
    assert!(cause(&error).contains("another user"), "{error:?}");
}

#[test]
fn a_log_that_is_deleted_while_it_is_written_is_begun_anew_and_missed() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    log.write(&decision(&root())).unwrap();
    std::fs::remove_file(place.log()).unwrap();
    log.write(&decision(&root())).unwrap();
    log.write(&decision(&root())).unwrap();
    assert_eq!(
        numbers(&place.log()),
        [3, 4],
        "none of them is in a file without a name"
    );
    let found = place.verify().findings;
    assert_eq!(found[0].what, What::Missing { from: 1, to: 2 });
    // The folder is gone: nothing can be recorded, until there is one again.
    let folder = place.dir.path().to_owned();
    std::fs::remove_dir_all(&folder).unwrap();
    log.write(&decision(&root())).unwrap_err();
    std::fs::create_dir(&folder).unwrap();
    log.write(&decision(&root())).unwrap();
    assert_eq!(numbers(&place.log()), [5, 6], "the lost one is said");
    log.close();
    let files = AuditFiles::find(&place.log()).unwrap();
    let report = files.verify(&log.key().unwrap()).unwrap();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(files.key().unwrap(), log.key().unwrap());
}

#[test]
fn a_log_that_is_copied_and_truncated_goes_on_from_its_beginning() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    log.write(&decision(&root())).unwrap();
    let copy = place.dir.path().join("audit.log.00000000000000000001");
    std::fs::copy(place.log(), &copy).unwrap();
    std::fs::write(place.log(), "").unwrap();
    log.write(&decision(&root())).unwrap();
    assert_eq!(numbers(&place.log()), [3]);
    assert!(place.verify().is_whole());
}

#[test]
fn what_others_write_into_the_log_spoils_no_record_and_is_told() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    let mut other = OpenOptions::new().append(true).open(place.log()).unwrap();
    other.write_all(b"a line without an end").unwrap();
    log.write(&decision(&root())).unwrap();
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!((report.last, report.closed_off), (Some(3), 1));
}

#[test]
fn a_reopening_that_fails_leaves_the_old_file_in_use() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    let moved = place.dir.path().join("audit.log.00000000000000000001");
    std::fs::rename(place.log(), &moved).unwrap();
    fifo(&place.log());
    log.reopen().unwrap_err();
    log.write(&decision(&root())).unwrap();
    assert_eq!(numbers(&moved), [1, 2]);
    std::fs::remove_file(place.log()).unwrap();
    log.reopen().unwrap();
    log.write(&decision(&root())).unwrap();
    assert_eq!(numbers(&place.log()), [3]);
    assert!(place.verify().is_whole());
}

#[test]
fn a_full_file_that_cannot_be_put_away_grows_on_and_no_record_is_refused() {
    let place = Place::new();
    let log = open(&place, 2000);
    let taken = place.dir.path().join("audit.log.00000000000000000001");
    std::fs::write(&taken, "not ours to replace").unwrap();
    for _ in 0..20 {
        log.write(&decision(&root())).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&taken).unwrap(),
        "not ours to replace"
    );
    let signed = lines(&place.log());
    let signed = signed.iter().filter(|line| line["event"] == "checkpoint");
    assert!(signed.count() < 20, "not tried with every record");
    std::fs::remove_file(&taken).unwrap();
    for _ in 0..5 {
        log.write(&decision(&root())).unwrap();
    }
    let files = AuditFiles::find(&place.log()).unwrap();
    assert!(files.paths().len() > 1);
    assert_eq!(lines(&files.paths()[1])[0]["event"], "rotated");
    assert!(place.verify().is_whole());
    assert_eq!(log.counts().failed, 0);
}

#[test]
fn keeping_more_files_than_before_raises_no_alarm() {
    let place = Place::new();
    for max_files in [1, 16] {
        let mut config = AuditConfig::new(&place.log());
        (config.max_bytes, config.max_files) = (2000, max_files);
        let log = AuditLog::open_with(config).unwrap();
        for _ in 0..30 {
            log.write(&decision(&root())).unwrap();
        }
    }
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert!(report.first.unwrap() > 1);
}

#[test]
fn a_head_that_is_removed_while_a_daemon_writes_is_back_at_the_next_signature() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    for name in ["head", "pub"] {
        std::fs::remove_file(place.dir.path().join(format!("audit.log.{name}"))).unwrap();
    }
    log.write(&decision(&root())).unwrap();
    log.close();
    assert!(place.verify().is_whole());
}

/// Fills a disk to the last byte.
fn fill(disk: &SmallDisk) -> PathBuf {
    let ballast = disk.path().join("ballast");
    let mut filler = std::fs::File::create(&ballast).unwrap();
    while filler.write_all(&[0; 512]).is_ok() {}
    ballast
}

// T: policy-failure
#[test]
fn a_file_that_is_full_on_a_full_disk_is_put_away_and_the_chain_goes_on() {
    for records in 1..30 {
        let disk = SmallDisk::new();
        let mut config = AuditConfig::new(&disk.path().join("audit.log"));
        config.max_bytes = 3000;
        let path = config.path.clone();
        let log = AuditLog::open_with(config).unwrap();
        for _ in 0..records {
            log.write(&decision(&root())).unwrap();
        }
        let ballast = fill(&disk);
        let mut refused = 0;
        while refused < 3 {
            refused += u64::from(log.write(&decision(&root())).is_err());
        }
        let files = AuditFiles::find(&path).unwrap();
        let report = files.verify(&log.key().unwrap()).unwrap();
        assert!(report.is_whole(), "full, {records}: {:?}", report.findings);
        std::fs::remove_file(&ballast).unwrap();
        log.write(&decision(&root())).unwrap();
        log.close();
        let files = AuditFiles::find(&path).unwrap();
        let report = files.verify(&log.key().unwrap()).unwrap();
        assert!(report.is_whole(), "{records}: {:?}", report.findings);
        assert_eq!(report.lost, refused);
        let archives = files.paths().split_last().unwrap().1;
        for next in files.paths().iter().skip(1) {
            assert_eq!(lines(next)[0]["event"], "rotated", "{archives:?}");
        }
    }
}

// T: policy-failure
#[test]
fn what_was_lost_at_the_end_is_said_at_the_end_if_there_is_room_again() {
    let disk = SmallDisk::new();
    let path = disk.path().join("audit.log");
    let log = AuditLog::open(&path).unwrap();
    let ballast = fill(&disk);
    while log.write(&decision(&root())).is_ok() {}
    std::fs::remove_file(ballast).unwrap();
    log.close();
    let files = AuditFiles::find(&path).unwrap();
    let report = files.verify(&log.key().unwrap()).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!(report.lost, 1);
}
