//! Binds, volumes and tmpfs.

use lockgate_testkit::Daemon;

#[test]
fn keeps_data_in_a_volume_and_copies_the_image_into_a_new_one() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&[
            "run",
            "--rm",
            "-v",
            "data:/etc",
            "busybox",
            "sh",
            "-c",
            "echo kept > /etc/new",
        ])
        .ok();
    let read = daemon.docker(&[
        "run",
        "--rm",
        "-v",
        "data:/d",
        "busybox",
        "sh",
        "-c",
        "cat /d/new; grep -c root /d/passwd",
    ]);
    assert_eq!(read.ok(), "kept\n1");
    let shown = daemon.docker(&["volume", "inspect", "-f", "{{.Driver}} {{.Scope}}", "data"]);
    assert_eq!(shown.ok(), "local local");
    daemon
        .docker(&["create", "--name", "cu", "-v", "data:/d", "busybox"])
        .ok();
    daemon
        .docker(&["volume", "rm", "data"])
        .failed_with(1, "volume is in use");
    daemon.docker(&["rm", "cu"]).ok();
    daemon.docker(&["volume", "rm", "data"]).ok();
    daemon
        .docker(&["volume", "inspect", "data"])
        .failed_with(1, "no such volume");
}

#[test]
fn binds_host_folders_also_read_only() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let host = daemon.path("host");
    std::fs::create_dir(&host).unwrap();
    std::fs::write(host.join("file"), "from the host").unwrap();
    let bind = |options: &str| format!("{}:/mnt{options}", host.display());
    assert_eq!(
        daemon
            .docker(&[
                "run",
                "--rm",
                "-v",
                &bind(""),
                "busybox",
                "cat",
                "/mnt/file"
            ])
            .ok(),
        "from the host"
    );
    let read_only = daemon.docker(&[
        "run",
        "--rm",
        "-v",
        &bind(":ro"),
        "busybox",
        "touch",
        "/mnt/x",
    ]);
    read_only.failed_with(1, "Read-only file system");
    daemon
        .docker(&["run", "--rm", "-v", &bind(""), "busybox", "touch", "/mnt/x"])
        .ok();
    assert!(host.join("x").exists());
    let missing = daemon.docker(&[
        "run",
        "--rm",
        "--mount",
        "type=bind,src=/no/such/folder,dst=/mnt",
        "busybox",
        "true",
    ]);
    missing.failed_with(125, "bind source path does not exist: /no/such/folder");
}

#[test]
fn mounts_tmpfs_and_a_read_only_root() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "df /scratch | tail -1 | cut -d' ' -f1; touch /scratch/x && ! touch /x 2>/dev/null && echo ok";
    let ended = daemon.docker(&[
        "run",
        "--rm",
        "--read-only",
        "--tmpfs",
        "/scratch:size=1m",
        "busybox",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(ended.ok(), "tmpfs\nok");
    let full = daemon.docker(&[
        "run",
        "--rm",
        "--tmpfs",
        "/scratch:size=1m",
        "busybox",
        "dd",
        "if=/dev/zero",
        "of=/scratch/x",
        "bs=1M",
        "count=3",
    ]);
    full.failed_with(1, "No space left on device");
}

#[test]
fn removes_anonymous_volumes_with_their_container() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "--rm", "-v", "/anon", "busybox", "touch", "/anon/x"])
        .ok();
    assert_eq!(daemon.docker(&["volume", "ls", "-q"]).ok(), "");
    daemon
        .docker(&["volume", "create", "--label", "a=b", "named"])
        .ok();
    daemon.docker(&["volume", "prune", "-f"]).ok();
    assert_eq!(
        daemon
            .docker(&["volume", "ls", "-q", "--filter", "label=a=b"])
            .ok(),
        "named"
    );
    daemon.docker(&["volume", "prune", "-af"]).ok();
    assert_eq!(daemon.docker(&["volume", "ls", "-q"]).ok(), "");
}
