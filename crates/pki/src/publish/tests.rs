use rustix::fs::RenameFlags;

use super::*;

fn set(text: &str) -> FileSet {
    FileSet::default()
        .certificate("ca.pem", text)
        .certificate("cert.pem", text)
        .key("key.pem", text)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn failing_at(count: usize) -> impl FnMut(&Path, &Path, RenameFlags) -> io::Result<()> {
    let mut placed = 0;
    move |from, to, flags| {
        if flags == RenameFlags::NOREPLACE || to.exists() {
            placed += 1;
        }
        if placed == count {
            placed += 1;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        moves::rename(from, to, flags)
    }
}

#[test]
fn a_failure_in_the_middle_of_a_new_set_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("other"), "kept").unwrap();
    for count in 1..=3 {
        let staged = stage(&[(root.path(), set("new"))], Overwrite::Refuse).unwrap();
        let failed = staged.run(&mut failing_at(count));
        assert!(matches!(failed, Err(PublishError::Io { .. })), "{count}");
        drop(staged);
        assert_eq!(names(root.path()), ["other"], "{count}");
    }
}

#[test]
fn a_failure_in_the_middle_of_a_replacement_leaves_the_old_set() {
    let root = tempfile::tempdir().unwrap();
    stage(&[(root.path(), set("old"))], Overwrite::Refuse)
        .unwrap()
        .commit()
        .unwrap();
    for count in 1..=3 {
        let staged = stage(&[(root.path(), set("new"))], Overwrite::Replace).unwrap();
        assert!(staged.run(&mut failing_at(count)).is_err(), "{count}");
        drop(staged);
        assert_eq!(names(root.path()), ["ca.pem", "cert.pem", "key.pem"]);
        for name in names(root.path()) {
            assert_eq!(
                fs::read_to_string(root.path().join(name)).unwrap(),
                "old",
                "{count}"
            );
        }
    }
}

#[test]
fn a_set_that_is_not_committed_vanishes_with_the_directories_made_for_it() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("a/b/server");
    drop(stage(&[(&place, set("x"))], Overwrite::Refuse).unwrap());
    assert!(names(root.path()).is_empty());
}

#[test]
fn several_sets_are_refused_together_when_one_is_there() {
    let root = tempfile::tempdir().unwrap();
    let (first, second) = (root.path().join("first"), root.path().join("second"));
    stage(&[(&second, set("old"))], Overwrite::Refuse)
        .unwrap()
        .commit()
        .unwrap();
    let refused = stage(
        &[(&first, set("x")), (&second, set("x"))],
        Overwrite::Refuse,
    );
    assert!(matches!(refused, Err(PublishError::Exists(path)) if path.ends_with("second/ca.pem")));
    assert!(!first.exists());
}

#[test]
fn modes_are_narrow_whatever_the_umask() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("new/server");
    stage(&[(&place, set("x"))], Overwrite::Refuse)
        .unwrap()
        .commit()
        .unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(root.path().join("new")), 0o700);
    assert_eq!(mode(place.clone()), 0o700);
    assert_eq!(mode(place.join("cert.pem")), 0o444);
    assert_eq!(mode(place.join("key.pem")), 0o400);
    stage(&[(&place, set("y"))], Overwrite::Replace)
        .unwrap()
        .commit()
        .unwrap();
    assert_eq!(names(&place), ["ca.pem", "cert.pem", "key.pem"]);
}

#[test]
fn a_directory_in_the_place_of_a_file_is_never_replaced() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("key.pem")).unwrap();
    let refused = stage(&[(root.path(), set("x"))], Overwrite::Replace);
    assert!(matches!(refused, Err(PublishError::NotAFile(_))));
    assert_eq!(names(root.path()), ["key.pem"]);
}

/// As a process that is killed leaves it: nobody holds its lock.
fn left(root: &Path, decided: bool, moved: &[&str]) -> PathBuf {
    let scratch = root.join("..0badcafe.new");
    fs::create_dir(&scratch).unwrap();
    let mut lines = String::new();
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        let old = fs::read(root.join(name)).unwrap();
        let (there, here) = if moved.contains(&name) {
            (b"new".to_vec(), old)
        } else {
            (old, b"new".to_vec())
        };
        fs::remove_file(root.join(name)).unwrap();
        fs::write(root.join(name), there).unwrap();
        fs::write(scratch.join(name), here).unwrap();
        lines += &format!("{} {name}\n", sha256(b"new"));
    }
    fs::write(
        scratch.join(if decided { ".set" } else { ".set.new" }),
        lines,
    )
    .unwrap();
    scratch
}

#[test]
fn a_set_that_was_decided_is_completed_and_another_is_swept_away() {
    for (decided, moved, wanted) in [
        (false, &[][..], ["old"; 3]),
        (true, &[], ["new"; 3]),
        (true, &["ca.pem"], ["new"; 3]),
        (true, &["ca.pem", "cert.pem"], ["new"; 3]),
        (true, &["key.pem"], ["new"; 3]),
        (true, &["ca.pem", "cert.pem", "key.pem"], ["new"; 3]),
    ] {
        let root = tempfile::tempdir().unwrap();
        let old = stage(&[(root.path(), set("old"))], Overwrite::Refuse);
        old.unwrap().commit().unwrap();
        let scratch = left(root.path(), decided, moved);
        // Somebody alive is left alone.
        let alive = Scratch::make(&scratch, "").unwrap();
        assert_eq!(settle(&scratch).unwrap(), 0);
        assert!(alive.path().exists());
        drop(alive);
        settle(root.path()).unwrap();
        let text = |name| fs::read_to_string(root.path().join(name)).unwrap();
        let is = ["ca.pem", "cert.pem", "key.pem"].map(text);
        assert_eq!(is, wanted, "{decided} {moved:?}");
        assert_eq!(names(root.path()), ["ca.pem", "cert.pem", "key.pem"]);
    }
}

#[test]
fn what_a_crash_left_beside_a_new_directory_goes_with_the_next_one() {
    let root = tempfile::tempdir().unwrap();
    for name in [".ca.0badcafe.new", ".ca.mine.new", ".cb.0badcafe.new"] {
        fs::create_dir(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join("key.pem"), "secret").unwrap();
    }
    let staged = stage(&[(&root.path().join("ca"), set("new"))], Overwrite::Refuse);
    staged.unwrap().commit().unwrap();
    assert_eq!(
        names(root.path()),
        [".ca.mine.new", ".cb.0badcafe.new", "ca"]
    );
}
