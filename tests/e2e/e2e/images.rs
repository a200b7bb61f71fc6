//! Images: archives in and out, names, and what may not be removed.

use lockgate_testkit::{Daemon, busybox_layer, docker_archive, program, run};
use serde_json::json;

#[test]
fn loads_what_it_saved_and_others_read_it_too() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let id = daemon.inspect("busybox", "{{.Id}}");
    let file = daemon.path("saved.tar");
    daemon
        .docker(&["save", "-o", file.to_str().unwrap(), "busybox"])
        .ok();
    daemon.docker(&["rmi", "busybox"]).ok();
    assert_eq!(daemon.docker(&["images", "-q"]).ok(), "");
    assert_eq!(
        daemon.docker(&["load", "-i", file.to_str().unwrap()]).ok(),
        "Loaded image: busybox:latest"
    );
    assert_eq!(daemon.inspect("busybox", "{{.Id}}"), id);
    let skopeo = run(
        program("skopeo")
            .args(["inspect", "--raw"])
            .arg(format!("docker-archive:{}", file.display())),
        b"",
    );
    assert!(skopeo.ok().contains(&id), "{skopeo}");
}

#[test]
fn takes_compressed_archives() {
    let daemon = Daemon::start();
    let archive = docker_archive(&["z:1"], &json!({ "Cmd": ["sh"] }), &[busybox_layer()]);
    for tool in ["gzip", "zstd"] {
        let packed = daemon.path(&format!("image.tar.{tool}"));
        let plain = daemon.path("image.tar");
        std::fs::write(&plain, &archive).unwrap();
        run(
            program(tool)
                .args(
                    ["-f", "-k", "-o"]
                        .iter()
                        .take(if tool == "zstd" { 3 } else { 0 }),
                )
                .args(if tool == "zstd" {
                    vec![packed.clone(), plain]
                } else {
                    vec!["-k".into(), "-f".into(), "-S".into(), ".gzip".into(), plain]
                }),
            b"",
        )
        .ok();
        daemon
            .docker(&["load", "-q", "-i", packed.to_str().unwrap()])
            .ok();
        daemon.docker(&["run", "--rm", "z:1", "true"]).ok();
        daemon.docker(&["rmi", "z:1"]).ok();
    }
}

#[test]
fn imports_a_root_file_system() {
    let daemon = Daemon::start();
    let file = daemon.path("rootfs.tar");
    std::fs::write(&file, busybox_layer()).unwrap();
    let change = [
        "-c",
        r#"CMD ["echo","imported"]"#,
        "-c",
        "ENV A=b",
        "-m",
        "by hand",
    ];
    daemon
        .docker(
            &[
                &["import"][..],
                &change[..],
                &[file.to_str().unwrap(), "bb:1"],
            ]
            .concat(),
        )
        .ok();
    assert_eq!(daemon.docker(&["run", "--rm", "bb:1"]).ok(), "imported");
    assert_eq!(
        daemon.inspect("bb:1", "{{.Config.Env}} {{.Comment}}"),
        "[A=b] by hand"
    );
}

#[test]
fn names_and_removes_images() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["tag", "busybox", "127.0.0.1:5000/team/app:v1"])
        .ok();
    let names = daemon.docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert_eq!(names.ok().lines().count(), 2, "{names}");
    daemon.docker(&["create", "--name", "user", "busybox"]).ok();
    let in_use = daemon.docker(&["rmi", "busybox", "127.0.0.1:5000/team/app:v1"]);
    assert_eq!(in_use.code(), 1, "{in_use}");
    daemon.docker(&["rm", "user"]).ok();
    let upper = daemon.docker(&["tag", "busybox", "FOO"]);
    upper.failed_with(1, "repository name");
    daemon.docker(&["image", "prune", "-a", "-f"]).ok();
    assert_eq!(daemon.docker(&["images", "-q"]).ok(), "");
    let layers = std::fs::read_dir(daemon.path("data/layers"))
        .unwrap()
        .count();
    assert_eq!(layers, 0, "layers of removed images are left");
}

#[test]
fn shows_history_and_disk_usage() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let history = daemon.docker(&["history", "--format", "{{.CreatedBy}}", "busybox"]);
    assert_eq!(history.ok(), "made for a test");
    let usage = daemon.docker(&["system", "df", "--format", "{{.Type}} {{.TotalCount}}"]);
    assert!(usage.ok().contains("Images 1"), "{usage}");
}

/// THREATS: archive family. A path out of the root, a link out of it, a lying digest.
// T: archive-paths
#[test]
fn refuses_hostile_archives_and_keeps_nothing() {
    let daemon = Daemon::start();
    let canary = daemon.path("canary");
    let escape = format!("../../../../../../../..{}", canary.display());
    let mut cases = vec![(
        "cut off",
        docker_archive(&["x:1"], &json!({}), &[busybox_layer()])[..30_000].to_vec(),
    )];
    cases.push(("no tar", vec![7; 10_000]));
    cases.push((
        "dot-dot path",
        docker_archive(&["x:1"], &json!({}), &[layer(&[(&escape, None)])]),
    ));
    let through = format!("{}/inside", "link");
    cases.push((
        "through a link",
        docker_archive(
            &["x:1"],
            &json!({}),
            &[layer(&[
                ("link", Some(daemon.path("").to_str().unwrap())),
                (&through, None),
            ])],
        ),
    ));
    for (name, archive) in cases {
        let ended = run(daemon.docker_command().arg("load"), &archive);
        let escaped = canary.exists() || daemon.path("inside").exists();
        assert!(!escaped, "{name}: a file outside of the image was written");
        if ended.status.success() {
            // A link that stays inside the image's own root is no attack; the file went there.
            assert_eq!(name, "through a link", "{ended}");
            daemon.docker(&["rmi", "-f", "x:1"]).ok();
        }
        assert_eq!(
            std::fs::read_dir(daemon.path("data/layers"))
                .unwrap()
                .count(),
            0,
            "{name}"
        );
    }
    daemon.load_busybox();
    daemon.docker(&["run", "--rm", "busybox", "true"]).ok();
}

/// A layer of files and symbolic links with names that a polite library would not write.
fn layer(entries: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, target) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(b"00000000000\0");
        header[156] = if target.is_some() { b'2' } else { b'0' };
        if let Some(target) = target {
            header[157..157 + target.len()].copy_from_slice(target.as_bytes());
        }
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}
