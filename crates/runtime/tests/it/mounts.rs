//! Mounts of host paths, and images that try to lead them astray.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use lockgate_runtime::spec;

use crate::fixture::Fixture;

fn with_mount(fixture: &mut Fixture, source: &Path, destination: &str, options: &[&str]) {
    let mount = spec::bind_mount(source, Path::new(destination), options);
    fixture.spec.mounts_mut().as_mut().unwrap().push(mount);
}

#[test]
fn a_bind_mount_shows_the_host_directory_and_keeps_what_is_written() {
    let mut fixture = Fixture::new(&["sh", "-c", "cat /data/in; echo out > /data/out"]);
    let host = fixture.directory.join("host");
    fs::create_dir(&host).unwrap();
    fs::write(host.join("in"), "in\n").unwrap();
    with_mount(&mut fixture, &host, "/data", &["rprivate"]);
    assert_eq!(fixture.run(), (0, "in\n".to_owned()));
    assert_eq!(fs::read_to_string(host.join("out")).unwrap(), "out\n");
}

#[test]
fn a_readonly_bind_mount_cannot_be_written() {
    for option in ["ro", "rro"] {
        let mut fixture = Fixture::new(&["touch", "/data/x"]);
        let host = fixture.directory.join("host");
        fs::create_dir(&host).unwrap();
        with_mount(&mut fixture, &host, "/data", &[option]);
        let (code, output) = fixture.run();
        assert_eq!(code, 1);
        assert!(
            output.contains("Read-only file system"),
            "{option}: {output}"
        );
    }
}

#[test]
fn a_file_is_mounted_on_a_file_that_is_made_for_it() {
    let mut fixture = Fixture::new(&["cat", "/etc/deep/hosts"]);
    let host = fixture.directory.join("hosts");
    fs::write(&host, "127.0.0.1 here\n").unwrap();
    with_mount(&mut fixture, &host, "/etc/deep/hosts", &[]);
    assert_eq!(fixture.run(), (0, "127.0.0.1 here\n".to_owned()));
}

#[test]
fn a_missing_source_is_named() {
    let mut fixture = Fixture::new(&["true"]);
    with_mount(&mut fixture, Path::new("/lockgate/nowhere"), "/data", &[]);
    let message = fixture.refusal();
    let expected = "error mounting \"/lockgate/nowhere\" to rootfs at \"/data\": open_tree: \
                    no such file or directory";
    assert_eq!(message, expected);
}

#[test]
fn a_link_in_the_image_cannot_lead_a_mount_to_the_host() {
    let mut fixture = Fixture::new(&["sh", "-c", "cat /evil/in; cat /up/in"]);
    let victim = fixture.directory.join("victim");
    let host = fixture.directory.join("host");
    fs::create_dir(&victim).unwrap();
    fs::create_dir(&host).unwrap();
    fs::write(host.join("in"), "in\n").unwrap();
    let image = fixture.directory.join("image");
    symlink(&victim, image.join("evil")).unwrap();
    symlink("../../../../../../../../etc", image.join("up")).unwrap();
    with_mount(&mut fixture, &host, "/evil", &[]);
    with_mount(&mut fixture, &host, "/up", &[]);
    assert_eq!(fixture.run(), (0, "in\nin\n".to_owned()));
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

#[test]
fn a_link_in_place_of_proc_stays_inside() {
    let fixture = Fixture::new(&["sh", "-c", "cat /proc/kcore | wc -c"]);
    let image = fixture.directory.join("image");
    fs::remove_dir(image.join("proc")).unwrap();
    fs::remove_dir(image.join("dev")).unwrap();
    symlink("/tmp", image.join("proc")).unwrap();
    symlink("/etc/", image.join("dev")).unwrap();
    // Mounted on /tmp and /etc of the container; nothing of the host is touched.
    let (code, _) = fixture.run();
    assert_eq!(code, 0);
    assert!(Path::new("/etc/passwd").exists());
}

#[test]
fn a_tmpfs_is_empty_sized_and_writable() {
    let script = "ls /scratch | wc -l; touch /scratch/x; grep /scratch /proc/mounts";
    let mut fixture = Fixture::new(&["sh", "-c", script]);
    let mount = spec::mount(
        "/scratch",
        "tmpfs",
        "tmpfs",
        &["noexec", "size=1m", "mode=700"],
    );
    fixture.spec.mounts_mut().as_mut().unwrap().push(mount);
    let (code, output) = fixture.run();
    assert_eq!(code, 0, "{output}");
    assert!(output.starts_with("0\n"), "{output}");
    assert!(
        output.contains("noexec") && output.contains("size=1024k"),
        "{output}"
    );
}

#[test]
fn an_unknown_option_is_refused_by_name() {
    let mut fixture = Fixture::new(&["true"]);
    with_mount(&mut fixture, Path::new("/tmp"), "/data", &["frobnicate"]);
    let expected = "mount option \"frobnicate\" of \"/data\" is not understood";
    assert_eq!(fixture.refusal(), expected);
}

#[test]
fn a_null_device_of_the_image_masks_nothing_and_is_not_used() {
    let fixture = Fixture::new(&["sh", "-c", "cat /proc/keys; cat /dev/null; echo end"]);
    let image = fixture.directory.join("image");
    fs::write(image.join("dev/null"), "leak\n").unwrap();
    symlink("/proc/sys", image.join("dev/zero")).unwrap();
    assert_eq!(fixture.run(), (0, "end\n".to_owned()));
}

#[test]
fn shared_namespaces_are_joined_by_path() {
    let first = Fixture::new(&["sleep", "100"]);
    let mut shim = first.start();
    let pid = match shim
        .control
        .ask(&lockgate_runtime::protocol::Request::State)
    {
        lockgate_runtime::protocol::Reply::State(state) => state.pid.unwrap(),
        reply => panic!("{reply:?}"),
    };
    let mut second = Fixture::new(&["sh", "-c", "ps | grep 'sleep 10[0]' && echo seen; hostname"]);
    second.spec.set_hostname(None);
    let kinds = [
        (oci_spec::runtime::LinuxNamespaceType::Pid, "pid"),
        (oci_spec::runtime::LinuxNamespaceType::Uts, "uts"),
        (oci_spec::runtime::LinuxNamespaceType::Ipc, "ipc"),
        (oci_spec::runtime::LinuxNamespaceType::Network, "net"),
    ];
    let linux = second.spec.linux_mut().as_mut().unwrap();
    for namespace in linux.namespaces_mut().as_mut().unwrap() {
        if let Some((_, name)) = kinds.iter().find(|(kind, _)| *kind == namespace.typ()) {
            namespace.set_path(Some(format!("/proc/{pid}/ns/{name}").into()));
        }
    }
    let (code, output) = second.run();
    assert_eq!(code, 0, "{output}");
    assert!(output.ends_with("seen\nbox\n"), "{output}");
    let kill = lockgate_runtime::protocol::Request::Kill {
        signal: 9,
        all: false,
    };
    shim.control.ask(&kill);
    shim.wait();
}

#[test]
fn a_shared_bind_carries_mounts_both_ways_and_the_root_carries_none() {
    use rustix::mount::{
        MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
    };
    // A mount namespace of this test's own in which everything is shared, as on most hosts.
    lockgate_sys::clone::unshare(0x0002_0000).unwrap();
    let rec = MountPropagationFlags::REC;
    mount_change("/", MountPropagationFlags::PRIVATE | rec).unwrap();
    mount_change("/", MountPropagationFlags::SHARED | rec).unwrap();
    let script = "mkdir /data/out; mount -t tmpfs inside /data/out; echo mounted; \
                  read x; grep -c outside /proc/mounts; umount /data/out";
    let mut fixture = Fixture::new(&["sh", "-c", script]);
    let host = fixture.directory.join("host");
    fs::create_dir(&host).unwrap();
    mount("host", &host, "tmpfs", MountFlags::empty(), None).unwrap();
    fs::create_dir(host.join("in")).unwrap();
    with_mount(&mut fixture, &host, "/data", &["rshared"]);
    let all: oci_spec::runtime::Capabilities = spec::all_capabilities().into_iter().collect();
    let mut sets = oci_spec::runtime::LinuxCapabilities::default();
    sets.set_bounding(Some(all.clone()))
        .set_effective(Some(all.clone()))
        .set_permitted(Some(all))
        .set_inheritable(None)
        .set_ambient(None);
    fixture.process().set_capabilities(Some(sets));
    let linux = fixture.spec.linux_mut().as_mut().unwrap();
    linux
        .set_seccomp(None)
        .set_rootfs_propagation(Some("rshared".to_owned()));
    fixture.request.open_stdin = true;
    fixture.request.stdin_once = true;
    let mut shim = fixture.create();
    let before = fs::read_to_string("/proc/thread-self/mounts").unwrap();
    let mut stream = shim.attach(true);
    shim.control
        .ask(&lockgate_runtime::protocol::Request::Start);
    stream.read_until("mounted");
    let during = fs::read_to_string("/proc/thread-self/mounts").unwrap();
    mount(
        "outside",
        host.join("in"),
        "tmpfs",
        MountFlags::empty(),
        None,
    )
    .unwrap();
    stream.end_input();
    let rest = stream.read_until("\n");
    let record = shim.wait();
    unmount(host.join("in"), UnmountFlags::DETACH).unwrap();
    unmount(&host, UnmountFlags::DETACH).unwrap();
    assert_eq!(
        during.lines().count(),
        before.lines().count() + 1,
        "{during}"
    );
    assert!(during.contains("inside "), "{during}");
    assert!(!before.contains("/bundle/rootfs"), "{before}");
    assert!(rest.contains('1'), "{rest}");
    assert_eq!(record.exit_code, 0);
}
