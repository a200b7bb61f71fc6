//! What members of a layer become on disk.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::PathBuf;

use lockgate_store::Store;

use crate::support::{Member, docker_archive, load, sha256, tar};

fn unpacked(members: &[Member]) -> (tempfile::TempDir, Store, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let layer = tar(members);
    load(
        &store,
        &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
    )
    .unwrap();
    let diff = store.layer_path(&sha256(&layer));
    (root, store, diff)
}

fn attribute(path: &std::path::Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let length = rustix::fs::lgetxattr(path, name, &mut value).ok()?;
    value.truncate(length);
    Some(value)
}

#[test]
fn files_keep_contents_mode_owner_and_time() {
    let mut special = Member::file("bin/su", "elf");
    (special.mode, special.uid, special.gid) = (0o6755, 12, 34);
    special
        .pax
        .push(("mtime".to_owned(), b"1234567890.5".to_vec()));
    let mut directory = Member::dir("bin/");
    (directory.mode, directory.uid, directory.mtime) = (0o1750, 7, 1_000_000_000);
    let (_root, _store, diff) = unpacked(&[directory, special]);
    let file = fs::metadata(diff.join("bin/su")).unwrap();
    assert_eq!(
        (file.mode() & 0o7777, file.uid(), file.gid()),
        (0o6755, 12, 34)
    );
    assert_eq!(
        (file.mtime(), file.mtime_nsec()),
        (1_234_567_890, 500_000_000)
    );
    let directory = fs::metadata(diff.join("bin")).unwrap();
    assert_eq!((directory.mode() & 0o7777, directory.uid()), (0o1750, 7));
    assert_eq!(directory.mtime(), 1_000_000_000);
    assert_eq!(fs::read(diff.join("bin/su")).unwrap(), b"elf");
}

#[test]
fn parents_that_no_member_describes_are_made() {
    let (_root, _store, diff) = unpacked(&[Member::file("a/b/c/d", "x")]);
    assert_eq!(fs::read(diff.join("a/b/c/d")).unwrap(), b"x");
    assert_eq!(
        fs::metadata(diff.join("a/b")).unwrap().mode() & 0o7777,
        0o755
    );
}

#[test]
fn whiteouts_take_overlay_form() {
    let (_root, _store, diff) = unpacked(&[
        Member::dir("d/"),
        Member::file("d/.wh.gone", ""),
        Member::dir("fresh/"),
        Member::file("fresh/.wh..wh..opq", ""),
        Member::file("fresh/kept", "x"),
        Member::file(".wh..wh.plnk", ""),
    ]);
    let gone = fs::symlink_metadata(diff.join("d/gone")).unwrap();
    assert!(gone.file_type().is_char_device());
    assert_eq!(gone.rdev(), 0);
    let opaque = attribute(&diff.join("fresh"), "trusted.overlay.opaque");
    assert_eq!(opaque.as_deref(), Some(&b"y"[..]));
    assert!(diff.join("fresh/kept").exists());
    assert!(!diff.join(".wh..wh.plnk").exists());
}

#[test]
fn a_whiteout_hides_only_what_is_below_its_layer() {
    let (_root, _store, diff) = unpacked(&[
        Member::file(".wh.file", ""),
        Member::file("file", "new"),
        Member::file(".wh.dir", ""),
        Member::file("dir/x", "new"),
        Member::file("late/x", "new"),
        Member::file(".wh.late", ""),
    ]);
    assert_eq!(fs::read(diff.join("file")).unwrap(), b"new");
    for directory in ["dir", "late"] {
        assert_eq!(fs::read(diff.join(directory).join("x")).unwrap(), b"new");
        assert!(attribute(&diff.join(directory), "trusted.overlay.opaque").is_some());
    }
}

#[test]
fn links_devices_and_fifos_are_made() {
    let (_root, _store, diff) = unpacked(&[
        Member::file("a", "shared"),
        Member::hard_link("b", "a"),
        Member::hard_link("c", "/a"),
        Member::symlink("link", "/etc/passwd"),
        Member::device("null", b'3', 1, 3),
        Member::device("disk", b'4', 8, 0),
        Member::new("pipe", b'6'),
    ]);
    let a = fs::metadata(diff.join("a")).unwrap();
    assert_eq!(a.ino(), fs::metadata(diff.join("b")).unwrap().ino());
    assert_eq!(a.nlink(), 3);
    assert_eq!(
        fs::read_link(diff.join("link")).unwrap(),
        PathBuf::from("/etc/passwd")
    );
    assert_eq!(fs::metadata(diff.join("null")).unwrap().rdev(), 0x103);
    assert!(
        fs::metadata(diff.join("disk"))
            .unwrap()
            .file_type()
            .is_block_device()
    );
    assert!(
        fs::metadata(diff.join("pipe"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
}

#[test]
fn extended_attributes_are_kept_even_with_newlines_in_them() {
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let member = Member::file("ping", "x")
        .attribute("security.capability", capability)
        .attribute("user.note", b"a\nb=c\n");
    let directory = Member::dir("d").attribute("user.note", b"dir");
    let (_root, _store, diff) = unpacked(&[member, directory]);
    let ping = diff.join("ping");
    assert_eq!(
        attribute(&ping, "security.capability").as_deref(),
        Some(&capability[..])
    );
    assert_eq!(
        attribute(&ping, "user.note").as_deref(),
        Some(&b"a\nb=c\n"[..])
    );
    assert_eq!(
        attribute(&diff.join("d"), "user.note").as_deref(),
        Some(&b"dir"[..])
    );
}

#[test]
fn names_longer_than_a_header_holds_are_read() {
    let gnu = format!("{}/file", ["directory-name"; 12].join("/"));
    let mut pax = Member::file("short", "pax");
    let long = format!("{}/pax", vec!["p".repeat(200); 3].join("/"));
    pax.pax.push(("path".to_owned(), long.clone().into_bytes()));
    let (_root, _store, diff) = unpacked(&[Member::file(&gnu, "gnu"), pax]);
    assert_eq!(fs::read(diff.join(&gnu)).unwrap(), b"gnu");
    assert_eq!(fs::read(diff.join(&long)).unwrap(), b"pax");
}

#[test]
fn the_size_counts_each_content_once() {
    let (_root, store, _diff) = unpacked(&[
        Member::file("a", "12345"),
        Member::hard_link("b", "a"),
        Member::symlink("c", "abc"),
        Member::file("a2", "replaced"),
        Member::file("a2", "1"),
    ]);
    assert_eq!(store.images()[0].size, 5 + 3 + 1);
}
