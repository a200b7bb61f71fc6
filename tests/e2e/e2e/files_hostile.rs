//! Containers and archives that want out.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::files::Copying;

/// An archive of raw members: name, type, link, contents.
fn archive(members: &[(&str, tar::EntryType, &str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, link, data) in members {
        let mut header = tar::Header::new_ustar();
        let fields = header.as_ustar_mut().unwrap();
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        if *kind == tar::EntryType::Char {
            // 0:0 means "deleted" to overlayfs.
            header.set_device_major(1).unwrap();
            header.set_device_minor(3).unwrap();
        }
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// A folder of the host that no container has, with something to steal.
/// What a program of the host makes of `bytes`.
fn packed(program: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut packer = lockgate_testkit::program(program);
    let packed = packer.arg("--stdout").arg(file.path()).output().unwrap();
    assert!(packed.status.success(), "{packed:?}");
    packed.stdout
}

fn secret() -> tempfile::TempDir {
    let dir = tempfile::Builder::new()
        .prefix("lockgate-secret-")
        .tempdir()
        .unwrap();
    fs::write(dir.path().join("secret"), "the host's secret").unwrap();
    dir
}

fn only_the_secret(dir: &Path) {
    let names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret"], "something got out");
    assert_eq!(
        fs::read_to_string(dir.join("secret")).unwrap(),
        "the host's secret"
    );
}

/// CVE-2018-15664: a link in the container, even a magic one, leads no further than its root.
#[test]
fn links_in_a_container_lead_nowhere_else() {
    let host = secret();
    let copying = Copying::new(&[]);
    let daemon = &copying.daemon;
    daemon.docker(&["start", "cc"]).ok();
    let outside = host.path().display();
    copying.sh(&format!(
        "busybox ln -s {outside} /abs; busybox ln -s ../../../..{outside} /rel; \
         busybox ln -s /proc/1/root{outside} /magic; busybox ln -s /proc/self/cwd /cwd"
    ));
    for link in ["abs", "rel", "magic", "cwd"] {
        let get = daemon.api(
            "GET",
            &format!("/containers/cc/archive?path=/{link}/secret"),
            None,
        );
        assert_eq!(get.status, 404, "{link}: {}", get.text());
        let file = archive(&[("new", tar::EntryType::Regular, "", "x")]);
        let put = daemon.put_archive(&format!("/containers/cc/archive?path=/{link}"), &file);
        assert_eq!(put.status, 404, "{link}: {}", put.text());
    }
    only_the_secret(host.path());
}

/// CVE-2018-15664, CVE-2026-41568, CVE-2026-42306: the container swaps a directory with a link while files are
/// copied in and out.
// T: GHSA-vp62-88p7-qqf5, GHSA-rg2x-37c3-w2rh
#[test]
fn a_race_of_links_is_not_won() {
    let host = secret();
    let copying = Copying::new(&[]);
    let daemon = &copying.daemon;
    daemon.docker(&["start", "cc"]).ok();
    let outside = host.path().display().to_string();
    copying.sh(&format!(
        "mkdir -p /w/dir /w/link-home && echo inside > /w/dir/secret && busybox ln -s {outside} /w/link"
    ));
    let swap = "cd /w; while :; do busybox mv dir d; busybox mv link dir; busybox mv dir link; busybox mv d dir; done";
    daemon.docker(&["exec", "-d", "cc", "sh", "-c", swap]).ok();
    let file = archive(&[
        ("sub/", tar::EntryType::Directory, "", ""),
        ("sub/new", tar::EntryType::Regular, "", "x"),
        ("dir/new", tar::EntryType::Regular, "", "x"),
    ]);
    let mut inside = 0;
    for _ in 0..60 {
        daemon.put_archive("/containers/cc/archive?path=/w/dir", &file);
        daemon.put_archive("/containers/cc/archive?path=/w", &file);
        for path in ["/w/dir/secret", "/w/dir", "/w"] {
            let got = daemon.api("GET", &format!("/containers/cc/archive?path={path}"), None);
            let text = got.text();
            assert!(!text.contains("the host's secret"), "{path} leaked");
            inside += usize::from(text.contains("inside"));
        }
    }
    assert!(inside > 0, "the race was not seen from inside either");
    only_the_secret(host.path());
}

// T: archive-paths
#[test]
fn members_of_an_archive_stay_below_the_place_they_are_sent_to() {
    use tar::EntryType::{Char, Link, Regular, Symlink};
    let host = secret();
    let copying = Copying::new(&[]);
    let daemon = &copying.daemon;
    let outside = host.path().display().to_string();
    let target = "/containers/cc/archive?path=/tmp";
    for (members, status, message) in [
        (
            vec![("../x", Regular, "", "x")],
            500,
            "invalid entry name \"../x\"",
        ),
        (
            vec![("a/../../x", Regular, "", "x")],
            500,
            "invalid entry name \"a/../../x\"",
        ),
        (
            vec![("h", Link, "../etc/passwd", "")],
            500,
            "invalid hardlink target \"../etc/passwd\"",
        ),
    ] {
        let put = daemon.put_archive(target, &archive(&members));
        assert_eq!(put.status, status, "{message}");
        assert_eq!(put.json()["message"], message);
    }
    let through = [
        ("out", Symlink, outside.as_str(), ""),
        ("up", Symlink, "../../../../../../../../etc", ""),
        ("out/new", Regular, "", "x"),
        ("up/new", Regular, "", "x"),
    ];
    daemon.put_archive(target, &archive(&through));
    only_the_secret(host.path());
    let changed = daemon.docker(&["diff", "cc"]);
    assert!(!changed.ok().contains("/etc/new"), "{changed}");
    assert!(!Path::new("/etc/new").exists());
    let absolute = [("/etc/absolute", Regular, "", "x"), ("null", Char, "", "")];
    let put = daemon.put_archive(target, &archive(&absolute));
    assert_eq!(put.status, 200, "{}", put.text());
    assert!(
        daemon
            .docker(&["diff", "cc"])
            .ok()
            .contains("A /tmp/etc/absolute")
    );
    for garbage in [
        &b"garbage, garbage"[..],
        &[0xfd, b'7', b'z', b'X', b'Z', 0, 1, 2],
        &[0x1f, 0x8b, 9, 9],
    ] {
        let put = daemon.put_archive(target, garbage);
        assert_eq!(put.status, 500, "{}", put.text());
    }
    only_the_secret(host.path());
}

/// CVE-2019-14271, CVE-2026-41567: nothing of a container's is executed or loaded to read an archive for it.
// T: GHSA-x86f-5xw2-fm2r
#[test]
fn nothing_from_a_container_is_executed_to_copy() {
    let host = secret();
    let copying = Copying::new(&[]);
    let daemon = &copying.daemon;
    daemon.docker(&["start", "cc"]).ok();
    let trap = format!("#!/bin/sh\ntouch {}/trap\n", host.path().display());
    fs::write(copying.dir.path().join("trap"), trap).unwrap();
    let names = ["xz", "unpigz", "gzip", "bzip2", "zstd", "tar"];
    // Some are links to busybox, which a copy would go through.
    copying.sh(&format!(
        "mkdir -p /usr/bin; cd /bin; rm -f {}",
        names.join(" ")
    ));
    for name in names {
        copying
            .cp("docker", &["trap", &format!("cc:/usr/bin/{name}")])
            .ok();
        copying
            .cp("docker", &["trap", &format!("cc:/bin/{name}")])
            .ok();
    }
    copying.sh("chmod 755 /usr/bin/* /bin/xz /bin/gzip");
    let xz = [0xfd, b'7', b'z', b'X', b'Z', 0, 0, 4];
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for body in [&xz[..], &gzip, b"BZh9"] {
        daemon.put_archive("/containers/cc/archive?path=/tmp", body);
    }
    for packer in ["xz", "bzip2", "gzip", "zstd"] {
        let name = format!("by-{packer}");
        let body = packed(
            packer,
            &archive(&[(&name, tar::EntryType::Regular, "", packer)]),
        );
        let put = daemon.put_archive("/containers/cc/archive?path=/tmp", &body);
        assert_eq!(put.status, 200, "{packer}: {}", put.text());
        let read = daemon.docker(&["exec", "cc", "cat", &format!("/tmp/{name}")]);
        assert_eq!(read.ok(), packer, "{packer}");
    }
    copying.cp("docker", &["cc:/etc", "out"]).ok();
    only_the_secret(host.path());
}
