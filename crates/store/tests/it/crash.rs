//! A process that is killed while it loads leaves nothing or everything.

use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus};

use lockgate_store::{LoadProgress, SaveItem, Store};

use crate::support::{Member, docker_archive, durable_tree, load, tar, wait_until_empty};

const ROOT: &str = "LOCKGATE_STORE_CRASH_ROOT";
const AFTER: &str = "LOCKGATE_STORE_CRASH_AFTER";
const STAGE: &str = "LOCKGATE_STORE_CRASH_STAGE";

fn archive() -> Vec<u8> {
    let members: Vec<Member> = (0..40)
        .map(|n| Member::file(&format!("d{}/f{n}", n % 5), vec![1; 3000]))
        .collect();
    let top = tar(&[Member::file("top", "x"), Member::file("top", "y")]);
    docker_archive(&["crash:1", "crash:2"], &[tar(&members), top])
}

/// Dies by SIGKILL once so many bytes were read.
struct Deadly<'a> {
    rest: &'a [u8],
    left: usize,
}

impl Read for Deadly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            die();
        }
        let most = buffer.len().min(self.left).min(1000);
        let read = self.rest.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

fn die() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
        .unwrap();
    panic!("killed processes do not go on")
}

#[test]
#[ignore = "the process that the other tests kill"]
fn child_that_loads_and_dies() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let number = |name: &str| std::env::var(name).unwrap().parse::<usize>().unwrap();
    let (after, mut stage) = (number(AFTER), number(STAGE));
    let store = Store::open(Path::new(&root)).unwrap();
    let archive = archive();
    let reader = Deadly {
        rest: &archive,
        left: after,
    };
    store
        .load(reader, &mut |progress| {
            if let LoadProgress::Stage(_) = progress {
                if stage == 0 {
                    die();
                }
                stage -= 1;
            }
        })
        .unwrap();
}

fn load_and_die(root: &Path, after: usize, stage: usize) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child_that_loads_and_dies",
            "--ignored",
            "--test-threads=1",
        ])
        .env(ROOT, root)
        .env(AFTER, after.to_string())
        .env(STAGE, stage.to_string())
        .output()
        .unwrap()
        .status
}

fn assert_whole(store: &Store) {
    let image = store.resolve("crash:1").unwrap();
    let refs = store.refs_of(&image.id);
    assert_eq!(refs.len(), 2);
    store
        .save(
            &[SaveItem {
                image: image.id,
                refs,
            }],
            std::io::sink(),
        )
        .unwrap();
}

#[test]
fn killed_while_reading_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    drop(Store::open(root.path()).unwrap());
    let empty = durable_tree(root.path());
    let length = archive().len();
    for step in 0..12 {
        assert!(!load_and_die(root.path(), length * step / 12, 99).success());
        let store = Store::open(root.path()).unwrap();
        assert!(store.images().is_empty());
        assert_eq!(durable_tree(root.path()), empty, "killed after {step}/12");
        wait_until_empty(root.path());
    }
}

#[test]
fn killed_while_committing_leaves_nothing_or_everything() {
    for stage in 0..5 {
        let root = tempfile::tempdir().unwrap();
        drop(Store::open(root.path()).unwrap());
        let empty = durable_tree(root.path());
        assert!(!load_and_die(root.path(), usize::MAX, stage).success());
        let store = Store::open(root.path()).unwrap();
        if stage == 4 {
            assert_whole(&store);
        } else {
            assert!(store.images().is_empty());
            assert_eq!(durable_tree(root.path()), empty, "killed at stage {stage}");
        }
        wait_until_empty(root.path());
        load(&store, &archive()).unwrap();
        assert_whole(&store);
    }
}
