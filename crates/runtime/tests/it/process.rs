//! What the container's program finds when it starts.

use lockgate_runtime::protocol::{Reply, Request};
use oci_spec::runtime::PosixRlimitType;

use crate::fixture::Fixture;

fn output(args: &[&str]) -> String {
    let (code, output) = Fixture::new(args).run();
    assert_eq!(code, 0, "{output}");
    output
}

fn shell(script: &str) -> String {
    output(&["sh", "-c", script])
}

#[test]
fn capabilities_are_dockers_fourteen() {
    let text = output(&["cat", "/proc/self/status"]);
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    for name in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(value(name), "00000000a80425fb", "{name}");
    }
    assert_eq!(
        (value("CapInh"), value("CapAmb")),
        ("0".repeat(16), "0".repeat(16))
    );
    assert_eq!(
        (value("NoNewPrivs"), value("Seccomp")),
        ("0".to_owned(), "2".to_owned())
    );
    assert_eq!(value("SigBlk"), "0".repeat(16));
    assert_eq!(value("SigIgn"), "0".repeat(16));
}

#[test]
fn another_user_has_its_groups_home_and_no_effective_capabilities() {
    let script = "id; echo $HOME; cat /proc/self/status | grep CapEff; echo x > /dev/stdout; umask";
    let mut fixture = Fixture::new(&["sh", "-c", script]);
    let user = fixture.process().user_mut();
    user.set_uid(1000)
        .set_gid(1000)
        .set_additional_gids(Some(vec![20, 30]));
    let capabilities = fixture.process().capabilities().clone().map(|mut sets| {
        sets.set_effective(None).set_permitted(None);
        sets
    });
    fixture.process().set_capabilities(capabilities);
    let (code, output) = fixture.run();
    assert_eq!(code, 0, "{output}");
    assert!(
        output.contains("uid=1000(user) gid=1000 groups=20,30"),
        "{output}"
    );
    assert!(output.contains("/home/user\n"), "{output}");
    assert!(output.contains("CapEff:\t0000000000000000"), "{output}");
    assert!(output.contains("x\n0022\n"), "{output}");
}

#[test]
fn no_new_privileges_and_the_filter_hold_together() {
    let mut fixture = Fixture::new(&[
        "sh",
        "-c",
        "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status",
    ]);
    fixture.process().set_no_new_privileges(Some(true));
    let (_, output) = fixture.run();
    assert_eq!(output, "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

#[test]
fn seccomp_forbids_what_reaches_beyond_the_container() {
    let script = "mount -t tmpfs none /tmp; echo $?; unshare -n true; echo $?; \
                  unshare -U true; echo $?";
    let text = shell(script);
    assert_eq!(text.matches("Operation not permitted").count(), 2, "{text}");
    assert!(text.contains("mount: permission denied"), "{text}");
}

#[test]
fn the_kernels_files_are_masked_or_read_only() {
    let text = shell(
        "cat /proc/interrupts | wc -c; cat /proc/keys | wc -c; ls /sys/firmware | wc -l; \
         touch /sys/x; touch /sys/fs/cgroup/x; touch /proc/sys/kernel/panic; \
         touch /sys/fs/cgroup/memory/x; echo 1 > /proc/sys/kernel/panic; true",
    );
    assert!(text.starts_with("0\n0\n0\n"), "{text}");
    assert_eq!(text.matches("Read-only file system").count(), 5, "{text}");
}

#[test]
fn a_readonly_root_has_writable_mounts_only() {
    let mut fixture = Fixture::new(&[
        "sh",
        "-c",
        "touch /x; touch /bin/x; touch /dev/shm/x && echo ok",
    ]);
    fixture
        .spec
        .root_mut()
        .as_mut()
        .unwrap()
        .set_readonly(Some(true));
    let (_, output) = fixture.run();
    assert_eq!(
        output.matches("Read-only file system").count(),
        2,
        "{output}"
    );
    assert!(output.contains("ok\n"), "{output}");
}

#[test]
fn devices_and_links_are_those_of_docker() {
    let text = shell("ls -l /dev | head -30; echo a > /dev/null; head -c 3 /dev/zero | wc -c");
    for name in ["full", "null", "random", "tty", "urandom", "zero"] {
        assert!(text.contains(&format!(" {name}\n")), "{name}: {text}");
    }
    for link in ["fd -> /proc/self/fd", "ptmx -> pts/ptmx", "stdin ->"] {
        assert!(text.contains(link), "{link}: {text}");
    }
    let has_image = std::path::Path::new("/proc/kcore").exists();
    assert_eq!(text.contains("core -> /proc/kcore"), has_image, "{text}");
    assert!(text.ends_with("\n3\n"), "{text}");
}

#[test]
fn namespaces_are_its_own() {
    let text = shell("hostname; ps | wc -l; ls /sys/class/net; cat /proc/self/cgroup; ip addr");
    assert!(text.starts_with("box\n"), "{text}");
    assert!(text.contains("\nlo\n"), "{text}");
    assert!(text.contains("127.0.0.1/8"), "{text}");
    for line in text.lines().filter(|line| line.contains(":memory:")) {
        assert!(line.ends_with(":/"), "{line}");
    }
}

#[test]
fn limits_are_set_as_far_as_this_host_allows() {
    let mut fixture = Fixture::new(&["sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c"]);
    let limit = |typ, soft, hard| {
        let builder = oci_spec::runtime::PosixRlimitBuilder::default();
        builder.typ(typ).soft(soft).hard(hard).build().unwrap()
    };
    fixture.process().set_rlimits(Some(vec![
        limit(PosixRlimitType::RlimitNofile, 333_u64, 1 << 30),
        limit(PosixRlimitType::RlimitCore, 0_u64, 0_u64),
    ]));
    let (_, output) = fixture.run();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!((lines[0], lines[2]), ("333", "0"));
    assert!(lines[1].parse::<u64>().unwrap() > 333);
}

#[test]
fn programs_that_cannot_run_are_named_as_runc_does() {
    let refusals = [
        ("nope", "exec: \"nope\": executable file not found in $PATH"),
        (
            "/nope",
            "exec: \"/nope\": stat /nope: no such file or directory",
        ),
        ("/", "exec: \"/\": is a directory: permission denied"),
        ("/etc/passwd", "exec: \"/etc/passwd\": permission denied"),
    ];
    for (program, expected) in refusals {
        assert_eq!(Fixture::new(&[program]).refusal(), expected);
    }
}

#[test]
fn what_is_no_program_fails_at_the_start() {
    let fixture = Fixture::new(&["/etc/script"]);
    let path = fixture.directory.join("image/etc/script");
    std::fs::write(&path, "no header").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut shim = fixture.create();
    match shim.control.ask(&Request::Start) {
        Reply::Failed(failure) => {
            assert_eq!(failure.message, "exec /etc/script: exec format error");
        }
        reply => panic!("{reply:?}"),
    }
    assert_eq!(shim.wait().exit_code, 1);
}

#[test]
fn a_missing_working_directory_is_made() {
    let mut fixture = Fixture::new(&["pwd"]);
    fixture.process().set_cwd("/srv/new/place".into());
    assert_eq!(fixture.run().1, "/srv/new/place\n");
}

#[test]
fn a_working_directory_through_an_open_descriptor_is_refused() {
    for number in 3..20 {
        let mut fixture = Fixture::new(&["pwd"]);
        fixture
            .process()
            .set_cwd(format!("/proc/self/fd/{number}").into());
        let message = fixture.refusal();
        assert!(
            message.contains("set in config.json failed"),
            "{number}: {message}"
        );
    }
}

#[test]
fn sysctls_of_own_namespaces_are_set_and_others_refused() {
    let mut fixture = Fixture::new(&["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"]);
    let set = |fixture: &mut Fixture, name: &str, value: &str| {
        let sysctls = [(name.to_owned(), value.to_owned())].into();
        fixture
            .spec
            .linux_mut()
            .as_mut()
            .unwrap()
            .set_sysctl(Some(sysctls));
    };
    set(&mut fixture, "net.ipv4.ip_unprivileged_port_start", "0");
    assert_eq!(fixture.run().1, "0\n");
    let mut fixture = Fixture::new(&["true"]);
    set(&mut fixture, "kernel.panic", "5");
    assert!(
        fixture
            .refusal()
            .contains("not in a separate kernel namespace")
    );
}

#[test]
fn no_descriptor_of_the_shim_reaches_the_program() {
    let text = output(&["ls", "/proc/self/fd"]);
    // 3 is the directory that ls reads.
    assert_eq!(text, "0\n1\n2\n3\n");
}
