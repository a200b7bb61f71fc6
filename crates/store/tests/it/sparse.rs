//! Files with holes, in every form that GNU tar writes, and compressed streams as programs make them.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::Command;

use lockgate_store::{Store, UnpackOptions, unpack_tree};

use crate::roundtrip::{everything, saved};
use crate::support::{docker_archive, load, sha256};

const FORMS: [&[&str]; 4] = [
    &["--format=gnu"],
    &["--format=pax", "--sparse-version=0.0"],
    &["--format=pax", "--sparse-version=0.1"],
    &["--format=pax", "--sparse-version=1.0"],
];

/// A file of 64 MiB with `parts` pieces of text in it, and one that is a hole alone.
fn holes(directory: &Path, parts: u64) {
    let file = File::create(directory.join("holes")).unwrap();
    file.set_len(64 << 20).unwrap();
    for part in 0..parts {
        let text = format!("part {part}");
        let at = part * (1 << 18);
        file.write_all_at(text.as_bytes(), at).unwrap();
    }
    let hole = File::create(directory.join("hole")).unwrap();
    hole.set_len(3 << 20).unwrap();
    fs::write(directory.join("plain"), "text").unwrap();
}

fn tar(directory: &Path, options: &[&str]) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["--sparse", "--create", "--file=-"]).args(options);
    let made = tar.arg("-C").arg(directory).arg(".").output().unwrap();
    assert!(made.status.success(), "{made:?}");
    // The holes are not in it, so it is the form that is meant.
    assert!(made.stdout.len() < 2 << 20, "{} bytes", made.stdout.len());
    made.stdout
}

fn compressed(program: &[&str], bytes: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stream");
    fs::write(&path, bytes).unwrap();
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg("--stdout").arg(&path);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{program:?}: {made:?}");
    made.stdout
}

#[track_caller]
fn is_same(there: &Path, here: &Path) {
    for name in ["holes", "hole", "plain"] {
        let (there, here) = (there.join(name), here.join(name));
        let same = fs::read(&there).unwrap() == fs::read(&here).unwrap();
        assert!(same, "{name} differs");
        let blocks = fs::metadata(&there).unwrap().blocks();
        assert!(
            blocks < 2048,
            "{name} takes {blocks} blocks: its holes are filled"
        );
    }
}

#[test]
fn files_with_holes_are_unpacked_with_their_holes() {
    let from = tempfile::tempdir().unwrap();
    // More than the header, and than one block behind it, can tell of.
    holes(from.path(), 60);
    for form in FORMS {
        let to = tempfile::tempdir().unwrap();
        let directory: OwnedFd = File::open(to.path()).unwrap().into();
        let archive = tar(from.path(), form);
        unpack_tree(&directory, archive.as_slice(), &UnpackOptions::default()).unwrap();
        is_same(to.path(), from.path());
    }
}

#[test]
fn layers_with_holes_come_out_again_byte_for_byte() {
    let from = tempfile::tempdir().unwrap();
    holes(from.path(), 60);
    for form in FORMS {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let layer = tar(from.path(), form);
        load(
            &store,
            &docker_archive(&["x:1"], std::slice::from_ref(&layer)),
        )
        .unwrap();
        is_same(&store.layer_path(&sha256(&layer)), from.path());
        let archive = saved(&store, &everything(&store));
        let there = archive.windows(layer.len()).any(|window| window == layer);
        assert!(there, "{form:?}");
    }
}

#[test]
fn streams_are_read_as_programs_compress_them() {
    let from = tempfile::tempdir().unwrap();
    holes(from.path(), 3);
    let archive = tar(from.path(), FORMS[3]);
    for program in [
        &["bzip2"][..],
        &["gzip"],
        &["xz", "-9e"],
        &["xz", "--block-size=4096", "--check=sha256"],
        &["xz", "--x86", "--lzma2"],
        &["zstd", "--long=27", "-19"],
    ] {
        let to = tempfile::tempdir().unwrap();
        let directory: OwnedFd = File::open(to.path()).unwrap().into();
        let stream = compressed(program, &archive);
        unpack_tree(&directory, stream.as_slice(), &UnpackOptions::default()).unwrap();
        is_same(to.path(), from.path());
    }
}

/// A short stream must not take the daemon's memory.
#[test]
fn streams_that_ask_for_more_memory_than_there_may_be_are_refused() {
    let to = tempfile::tempdir().unwrap();
    let directory: OwnedFd = File::open(to.path()).unwrap().into();
    let xz = compressed(&["xz", "--lzma2=preset=0,dict=512MiB"], &[0; 1024]);
    // A frame with a window of 1 GiB and one empty block.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0, 0];
    for stream in [&xz[..], &zstd] {
        let refused = unpack_tree(&directory, stream, &UnpackOptions::default());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("emory"), "{refused}");
    }
}
