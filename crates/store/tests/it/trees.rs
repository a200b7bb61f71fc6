//! Trees to tar streams and back.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use lockgate_store::{Form, PackError, Packer, UnpackError, UnpackOptions, unpack_tree};
use proptest::collection::vec;
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::property::member;
use crate::support::{Member, tar, tree};

fn handle(path: &Path) -> OwnedFd {
    File::open(path).unwrap().into()
}

fn pack(path: &Path, form: Form) -> Result<Vec<u8>, PackError> {
    let mut packer = Packer::new(Vec::new(), form);
    packer.contents(&handle(path))?;
    packer.finish()
}

fn unpack(path: &Path, archive: &[u8]) -> Result<(), UnpackError> {
    unpack_tree(&handle(path), archive, &UnpackOptions::default())
}

fn names(archive: &[u8]) -> Vec<String> {
    let mut archive = ::tar::Archive::new(archive);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect()
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let (from, to) = (root.path().join("from"), root.path().join("to"));
    fs::create_dir_all(from.join("deep").join("x".repeat(200))).unwrap();
    fs::create_dir(&to).unwrap();
    fs::write(from.join("file"), "text").unwrap();
    fs::hard_link(from.join("file"), from.join("other name")).unwrap();
    symlink("/somewhere/".repeat(20), from.join("link")).unwrap();
    File::create(from.join("sparse"))
        .unwrap()
        .set_len(1 << 20)
        .unwrap();
    rustix::fs::mknodat(CWD, from.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let null = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(
        CWD,
        from.join("null"),
        FileType::CharacterDevice,
        Mode::RUSR,
        null,
    )
    .unwrap();
    let _socket = UnixListener::bind(from.join("socket")).unwrap();
    rustix::fs::setxattr(from.join("file"), "user.a", b"b", XattrFlags::empty()).unwrap();
    chown(from.join("file"), Some(70_000), Some(3_000_000_000)).unwrap();
    fs::set_permissions(from.join("file"), fs::Permissions::from_mode(0o4755)).unwrap();
    let archive = pack(&from, Form::Plain).unwrap();
    unpack(&to, &archive).unwrap();
    fs::remove_file(from.join("socket")).unwrap();
    let whole_seconds = |path: &Path| {
        let mut found = tree(path);
        found.retain(|name, _| name != ".");
        found
    };
    assert_eq!(
        whole_seconds(&to).keys().collect::<Vec<_>>(),
        whole_seconds(&from).keys().collect::<Vec<_>>()
    );
    let found = fs::metadata(to.join("other name")).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), found.mode() & 0o7777),
        (70_000, 3_000_000_000, 0o4755)
    );
    assert_eq!(found.nlink(), 2);
    assert_eq!(
        found.mtime(),
        fs::metadata(from.join("file")).unwrap().mtime()
    );
    let mut value = [0; 8];
    let length = rustix::fs::getxattr(to.join("file"), "user.a", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"b");
    assert_eq!(fs::metadata(to.join("null")).unwrap().rdev(), null);
    assert_eq!(
        fs::read_link(to.join("link")).unwrap(),
        Path::new(&"/somewhere/".repeat(20))
    );
}

#[test]
fn whiteouts_are_written_for_layers_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("dir")).unwrap();
    let device = FileType::CharacterDevice;
    rustix::fs::mknodat(CWD, root.path().join("dir/gone"), device, Mode::empty(), 0).unwrap();
    let flags = XattrFlags::empty();
    rustix::fs::setxattr(
        root.path().join("dir"),
        "trusted.overlay.opaque",
        b"y",
        flags,
    )
    .unwrap();
    let layer = pack(root.path(), Form::Layer).unwrap();
    assert_eq!(names(&layer), ["dir/", "dir/.wh..wh..opq", "dir/.wh.gone"]);
    let plain = pack(root.path(), Form::Plain).unwrap();
    assert_eq!(names(&plain), ["dir/", "dir/gone"]);
    let mut packer = Packer::new(Vec::new(), Form::Layer);
    packer.leave_out([b"dir".to_vec()].into());
    packer.contents(&handle(root.path())).unwrap();
    assert!(names(&packer.finish().unwrap()).is_empty());
}

/// A disk without room.
struct Full;
impl io::Write for Full {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn directories_beyond_the_limit_and_full_disks_are_errors() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("d/".repeat(300))).unwrap();
    let error = pack(root.path(), Form::Plain).unwrap_err();
    assert!(matches!(error, PackError::TooDeep(_)), "{error}");
    let mut packer = Packer::new(Full, Form::Plain);
    let error = packer.contents(&handle(root.path())).unwrap_err();
    assert!(matches!(error, PackError::Write(_)), "{error}");
}

#[test]
fn what_is_in_the_way_is_replaced_unless_its_kind_is_to_stay() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("a/b/c")).unwrap();
    fs::write(root.path().join("f"), "old").unwrap();
    symlink("a", root.path().join("l")).unwrap();
    let file = tar(&[Member::file("a", "new")]);
    let directory = tar(&[Member::dir("f")]);
    let keep = UnpackOptions {
        keep_kinds: true,
        shown: "/w".to_owned(),
        ..UnpackOptions::default()
    };
    let error = unpack_tree(&handle(root.path()), &file[..], &keep).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot overwrite directory \"a\" with non-directory \"/w\""
    );
    let error = unpack_tree(&handle(root.path()), &directory[..], &keep).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot overwrite non-directory \"f\" with directory \"/w\""
    );
    unpack(
        root.path(),
        &tar(&[Member::file("l", "in place of the link")]),
    )
    .unwrap();
    assert!(root.path().join("a/b/c").is_dir());
    unpack(root.path(), &file).unwrap();
    unpack(root.path(), &directory).unwrap();
    assert!(root.path().join("a").is_file() && root.path().join("f").is_dir());
}

#[test]
fn everything_belongs_to_the_owner_that_is_named() {
    let root = tempfile::tempdir().unwrap();
    let options = UnpackOptions {
        owner: Some((12, 34)),
        ..UnpackOptions::default()
    };
    let archive = tar(&[Member::file("made/for/it", "x"), Member::symlink("l", "x")]);
    unpack_tree(&handle(root.path()), &archive[..], &options).unwrap();
    for name in ["made", "made/for", "made/for/it", "l"] {
        let found = fs::symlink_metadata(root.path().join(name)).unwrap();
        assert_eq!((found.uid(), found.gid()), (12, 34), "{name}");
    }
}

#[test]
fn a_mount_is_neither_removed_nor_emptied() {
    lockgate_sys::mountns::on_thread(|thread| {
        thread.separate()?;
        let root = tempfile::tempdir()?;
        let volume = root.path().join("dir/volume");
        fs::create_dir_all(&volume)?;
        rustix::mount::mount(
            "none",
            &volume,
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            None,
        )?;
        fs::write(volume.join("kept"), "x")?;
        let error = unpack(root.path(), &tar(&[Member::file("dir", "x")])).unwrap_err();
        assert!(error.to_string().contains("busy"), "{error}");
        assert!(volume.join("kept").exists());
        rustix::mount::unmount(&volume, rustix::mount::UnmountFlags::DETACH)?;
        Ok(())
    })
    .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// CVE-2018-15664: whatever an archive says, nothing outside the directory changes.
    #[test]
    fn no_sequence_of_members_leaves_the_directory(members in vec(member(), 1..14)) {
        let root = tempfile::tempdir().unwrap();
        for name in ["canary", "place"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        fs::write(root.path().join("canary/a"), "alive").unwrap();
        let before = (tree(&root.path().join("canary")), fs::metadata("/etc/passwd").unwrap().modified().unwrap());
        drop(unpack(&root.path().join("place"), &tar(&members)));
        prop_assert_eq!(tree(&root.path().join("canary")), before.0);
        prop_assert_eq!(fs::metadata("/etc/passwd").unwrap().modified().unwrap(), before.1);
        prop_assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn no_damaged_archive_panics(at in 0..4000_usize, flip in 1..=255_u8, cut in 0..4000_usize) {
        let root = tempfile::tempdir().unwrap();
        let mut archive = tar(&[Member::file("a", "x".repeat(600)), Member::hard_link("b", "a")]);
        let length = archive.len();
        archive[at % length] ^= flip;
        archive.truncate(length - cut % length);
        drop(unpack(root.path(), &archive));
    }
}
