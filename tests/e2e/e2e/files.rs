//! `docker cp` and `lockgate cp`, in and out, of running and of stopped containers.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use lockgate_testkit::{Daemon, Ended, run};
use tempfile::TempDir;

/// A daemon, a folder with a tree to copy, and a container `cc`.
pub(crate) struct Copying {
    pub(crate) daemon: Daemon,
    pub(crate) dir: TempDir,
}

impl Copying {
    pub(crate) fn new(create: &[&str]) -> Self {
        let daemon = Daemon::start();
        daemon.load_busybox();
        let dir = tempfile::Builder::new()
            .prefix("lockgate-cp-")
            .tempdir()
            .unwrap();
        let command = ["busybox", "sh", "-c", "sleep 600"];
        let create = [&["create", "--name", "cc"], create, &command].concat();
        daemon.docker(&create).ok();
        let copying = Self { daemon, dir };
        copying.make_tree();
        copying
    }

    fn make_tree(&self) {
        let tree = self.dir.path().join("tree");
        fs::create_dir_all(tree.join("deep").join("d".repeat(120))).unwrap();
        fs::write(tree.join("deep").join("d".repeat(120)).join("leaf"), "leaf").unwrap();
        fs::write(tree.join("file"), "text").unwrap();
        fs::hard_link(tree.join("file"), tree.join("second")).unwrap();
        symlink("file", tree.join("link")).unwrap();
        symlink("/nowhere", tree.join("broken")).unwrap();
        let sparse = fs::File::create(tree.join("sparse")).unwrap();
        sparse.set_len(3 << 20).unwrap();
        fs::write(tree.join("tool"), "#!").unwrap();
        fs::set_permissions(tree.join("tool"), fs::Permissions::from_mode(0o4751)).unwrap();
        chown(tree.join("file"), Some(1234), Some(2345)).unwrap();
        fs::create_dir(self.dir.path().join("out")).unwrap();
        fs::write(self.dir.path().join("plain"), "plain").unwrap();
    }

    /// A client's `cp`, run in the folder.
    pub(crate) fn cp(&self, client: &str, args: &[&str]) -> Ended {
        self.cp_with(client, args, b"")
    }

    pub(crate) fn cp_with(&self, client: &str, args: &[&str], stdin: &[u8]) -> Ended {
        let mut command = self.client(client);
        run(command.arg("cp").args(args), stdin)
    }

    fn client(&self, client: &str) -> Command {
        let mut command = match client {
            "docker" => self.daemon.docker_command(),
            _ => self.daemon.lockgate_command(),
        };
        command.current_dir(self.dir.path());
        command
    }

    pub(crate) fn sh(&self, script: &str) -> String {
        let ended = self.daemon.docker(&["exec", "cc", "sh", "-c", script]);
        ended.ok().to_owned()
    }
}

/// This moment as `--until` takes it; `0s` is the beginning of the second.
pub(crate) fn now() -> String {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{}.{:09}", now.as_secs(), now.subsec_nanos())
}

const CLIENTS: [&str; 2] = ["docker", "lockgate"];

fn same_tree(a: &Path, b: &Path) {
    for entry in fs::read_dir(a).unwrap() {
        let name = entry.unwrap().file_name();
        let (a, b) = (a.join(&name), b.join(&name));
        let (of_a, of_b) = (a.symlink_metadata().unwrap(), b.symlink_metadata().unwrap());
        assert_eq!(of_a.file_type(), of_b.file_type(), "{}", b.display());
        assert_eq!(of_a.mtime(), of_b.mtime(), "{}", b.display());
        if of_a.is_dir() {
            same_tree(&a, &b);
        } else if of_a.is_symlink() {
            assert_eq!(fs::read_link(&a).unwrap(), fs::read_link(&b).unwrap());
        } else {
            assert_eq!(of_a.mode(), of_b.mode(), "{}", b.display());
            assert_eq!(
                fs::read(&a).unwrap(),
                fs::read(&b).unwrap(),
                "{}",
                b.display()
            );
        }
    }
}

#[test]
fn trees_come_back_as_they_were_sent_whether_the_container_runs_or_not() {
    let copying = Copying::new(&[]);
    for running in [false, true] {
        if running {
            copying.daemon.docker(&["start", "cc"]).ok();
        }
        for client in CLIENTS {
            let place = format!("/{client}-{running}");
            copying.cp(client, &["tree", &format!("cc:{place}")]).ok();
            let back = format!("out/{client}-{running}");
            copying.cp(client, &[&format!("cc:{place}"), &back]).ok();
            same_tree(
                &copying.dir.path().join("tree"),
                &copying.dir.path().join(&back),
            );
        }
    }
    for client in CLIENTS {
        for place in [format!("/{client}-false"), format!("/{client}-true")] {
            let seen = copying.sh(&format!(
                "cd {place} && busybox stat -c '%n %u:%g %a %s' file tool"
            ));
            assert_eq!(seen, "file 1234:2345 644 4\ntool 0:0 4751 2");
        }
    }
    copying.daemon.docker(&["rm", "-f", "cc"]).ok();
}

#[test]
fn destinations_mean_what_they_mean_to_docker() {
    let copying = Copying::new(&[]);
    copying.daemon.docker(&["start", "cc"]).ok();
    for client in CLIENTS {
        copying.sh("rm -rf /w && mkdir -p /w/d && busybox ln -s d /w/ln && echo old > /w/old && busybox ln -s old /w/lf");
        let ok = |args: &[&str]| copying.cp(client, args).ok().to_owned();
        ok(&["tree", "cc:/w"]);
        ok(&["tree/.", "cc:/w/merged"]);
        ok(&["tree/deep", "cc:/w/ln"]);
        ok(&["plain", "cc:/w/new-name"]);
        ok(&["plain", "cc:/w/old"]);
        ok(&["plain", "cc:w/d/"]);
        ok(&["-L", "tree/link", "cc:/w/followed"]);
        ok(&["tree/link", "cc:/w/kept"]);
        ok(&["plain", "cc:/w/lf"]);
        let seen = copying.sh("cd /w; ls; ls d; cat new-name old followed; busybox readlink kept; busybox readlink ln");
        let listing = "d\nfollowed\nkept\nlf\nln\nmerged\nnew-name\nold\ntree\ndeep\nplain\nplainplaintextfile\nd";
        assert_eq!(seen, listing, "{client}");
        ok(&["cc:/w/tree/link", "out/as-link"]);
        ok(&["-L", "cc:/w/tree/link", "out/as-file"]);
        ok(&["cc:/w/tree/.", "out"]);
        ok(&["cc:/w/d", "out/renamed"]);
        let out = copying.dir.path().join("out");
        assert_eq!(
            fs::read_link(out.join("as-link")).unwrap(),
            Path::new("file")
        );
        assert_eq!(fs::read_to_string(out.join("as-file")).unwrap(), "text");
        assert!(out.join("tool").is_file() && out.join("renamed/plain").is_file());
        fs::remove_dir_all(&out).unwrap();
        fs::create_dir(&out).unwrap();
    }
}

#[test]
fn mistakes_are_told_as_docker_tells_them() {
    let copying = Copying::new(&[]);
    copying.daemon.docker(&["start", "cc"]).ok();
    for args in [
        &["plain", "cc:/nope/"][..],
        &["plain", "cc:/nope/x"],
        &["cc:/nope", "out"],
        &["cc:/etc/passwd", "/nonexistent/x"],
        &["nope:/x", "."],
        &["plain", "other"],
        &["cc:/a", "cc:/b"],
        &["tree", "cc:/etc/passwd"],
        &["cc:/etc", "plain"],
        &["missing", "cc:/"],
        &["plain", "cc:"],
        &["-", "cc:/etc/passwd"],
        &["-", "-"],
        &["cc:/etc/passwd", "out/no/"],
    ] {
        let [docker, ours] = CLIENTS.map(|client| copying.cp(client, args));
        assert_eq!(docker.code(), ours.code(), "{docker}\n{ours}");
        let said = |ended: &Ended| {
            let lines = ended
                .stderr
                .lines()
                .filter(|line| !line.starts_with("time="));
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(said(&docker), said(&ours), "{args:?}");
        assert_eq!(docker.stdout, ours.stdout, "{args:?}");
    }
}

#[test]
fn archives_stream_through_dash() {
    let copying = Copying::new(&[]);
    for client in CLIENTS {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(3);
        header.set_mode(0o640);
        tar.append_data(&mut header, format!("{client}/new"), &b"abc"[..])
            .unwrap();
        let archive = tar.into_inner().unwrap();
        copying.cp_with(client, &["-", "cc:/tmp"], &archive).ok();
        let mut command = copying.client(client);
        let source = format!("cc:/tmp/{client}");
        let out = command.args(["cp", &source, "-"]).output().unwrap();
        let mut back = tar::Archive::new(&out.stdout[..]);
        let names: Vec<String> = back
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, [format!("{client}/"), format!("{client}/new")]);
    }
}

#[test]
fn archive_mode_gives_files_to_the_user_of_the_container() {
    let copying = Copying::new(&["-u", "user"]);
    for client in CLIENTS {
        let place = format!("/{client}");
        copying
            .cp(client, &["-a", "tree", &format!("cc:{place}")])
            .ok();
        copying
            .cp(client, &["tree", &format!("cc:{place}-as-is")])
            .ok();
    }
    copying.daemon.docker(&["start", "cc"]).ok();
    for client in CLIENTS {
        let script = format!("busybox stat -c %u:%g /{client}/file /{client}-as-is/file");
        assert_eq!(copying.sh(&script), "1000:1000\n1234:2345");
    }
}

#[test]
fn volumes_and_binds_are_in_their_places_and_read_only_ones_stay_as_they_are() {
    let host = tempfile::Builder::new()
        .prefix("lockgate-cp-")
        .tempdir()
        .unwrap();
    fs::create_dir(host.path().join("ro")).unwrap();
    fs::write(host.path().join("ro/kept"), "kept").unwrap();
    let bind = format!("{}:/bind", host.path().display());
    let fixed = format!("{}:/fixed:ro", host.path().join("ro").display());
    let flags = [
        "-v",
        "data:/data",
        "-v",
        &bind,
        "-v",
        &fixed,
        "--tmpfs",
        "/run",
        "--read-only",
    ];
    let copying = Copying::new(&flags);
    for running in [false, true] {
        if running {
            copying.daemon.docker(&["start", "cc"]).ok();
        }
        let name = format!("cc:/data/{running}");
        copying.cp("docker", &["plain", &name]).ok();
        copying
            .cp("docker", &["plain", &format!("cc:/bind/{running}")])
            .ok();
        assert!(host.path().join(running.to_string()).is_file());
        let refused = copying.cp("docker", &["plain", "cc:/fixed/"]);
        refused.failed_with(1, "mounted volume is marked read-only");
        let refused = copying.cp("docker", &["plain", "cc:/etc/"]);
        refused.failed_with(1, "container rootfs is marked read-only");
        // An archive whose members lie in a read-only mount below the place is stopped by the mount itself.
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(3);
        tar.append_data(&mut header, "ro/kept", &b"bad"[..])
            .unwrap();
        let archive = tar.into_inner().unwrap();
        let through = copying.cp_with("docker", &["-", "cc:/bind"], &archive);
        assert_eq!(through.code(), 0, "a writable bind is writable: {through}");
        fs::write(host.path().join("ro/kept"), "kept").unwrap();
        copying.cp("docker", &["cc:/fixed/kept", "out"]).ok();
        let back = fs::read_to_string(copying.dir.path().join("out/kept"));
        assert_eq!(back.unwrap(), "kept");
    }
    assert_eq!(copying.sh("ls /data"), "false\ntrue");
    let hosts = copying.daemon.docker(&["cp", "cc:/etc/hosts", "-"]);
    assert!(hosts.ok().contains("localhost"), "{hosts}");
}

#[test]
fn what_is_at_a_path_is_told_in_a_header() {
    let copying = Copying::new(&[]);
    let daemon = &copying.daemon;
    let target = "/v1.50/containers/cc/archive?path=/bin/sh";
    let head = daemon.api("HEAD", target, None);
    let stat = &head.headers["x-docker-container-path-stat"];
    let mut decode = Command::new("base64");
    let stat = run(decode.arg("-d"), stat.as_bytes());
    let stat: serde_json::Value = serde_json::from_str(stat.ok()).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(stat["name"], "sh");
    assert_eq!(stat["mode"], 0x0800_01ff);
    assert_eq!(stat["linkTarget"], "/bin/busybox");
    for (method, target, status, message) in [
        (
            "GET",
            "/containers/cc/archive",
            400,
            "bad parameter: pathcannot be empty",
        ),
        (
            "GET",
            "/containers/nope/archive?path=/",
            404,
            "No such container: nope",
        ),
        (
            "GET",
            "/containers/cc/archive?path=/x",
            404,
            "Could not find the file /x in container cc",
        ),
        (
            "GET",
            "/containers/cc/archive?path=/etc/passwd/",
            500,
            "lstat /etc/passwd/: not a directory",
        ),
    ] {
        let answer = daemon.api(method, target, None);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.json()["message"], message, "{target}");
    }
}

#[test]
fn a_start_does_not_wait_for_a_client_that_does_not_read() {
    use std::io::Write as _;
    let copying = Copying::new(&[]);
    let daemon = &copying.daemon;
    copying.cp("docker", &["tree", "cc:/tree"]).ok();
    let mut slow = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
    slow.write_all(b"GET /containers/cc/archive?path=/ HTTP/1.1\r\nHost: d\r\n\r\n")
        .unwrap();
    lockgate_testkit::eventually("the archive is open", || {
        let log = daemon.docker(&[
            "events",
            "--since",
            "1h",
            "--until",
            &now(),
            "--filter",
            "event=archive-path",
        ]);
        (!log.ok().is_empty()).then_some(())
    });
    daemon.docker(&["start", "cc"]).ok();
    assert_eq!(daemon.inspect("cc", "{{.State.Running}}"), "true");
    drop(slow);
}
