//! config-linux.md: namespaces, devices, cgroups and the rest.

use std::fs;

use serde_json::{Value, json};

use crate::case::Case;

fn link(pid: &Value, name: &str) -> std::path::PathBuf {
    fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap()
}

case!(
    "config-linux.md#namespaces",
    those_that_are_listed_are_new,
    |case| {
        case.create();
        let (pid, own) = (case.state()["pid"].clone(), json!("self"));
        for name in ["pid", "net", "ipc", "uts", "mnt"] {
            assert_ne!(
                link(&pid, name),
                fs::read_link(format!("/proc/self/ns/{name}")).unwrap(),
                "{own}"
            );
        }
    }
);

case!(
    "config-linux.md#namespaces",
    those_that_are_not_listed_are_the_runtimes,
    |case| {
        let namespaces = json!([{ "type": "mount" }, { "type": "pid" }]);
        case.spec["linux"]["namespaces"] = namespaces;
        case.spec.as_object_mut().unwrap().remove("hostname");
        case.create();
        let pid = case.state()["pid"].clone();
        for name in ["net", "ipc", "uts", "user"] {
            assert_eq!(
                link(&pid, name),
                fs::read_link(format!("/proc/self/ns/{name}")).unwrap()
            );
        }
    }
);

case!(
    "config-linux.md#namespaces",
    one_with_a_path_is_joined,
    |case| {
        let mut other = std::process::Command::new("/usr/bin/unshare")
            .args(["--net", "sleep", "100"])
            .spawn()
            .unwrap();
        let path = format!("/proc/{}/ns/net", other.id());
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        crate::case::eventually("its namespace", || fs::read_link(&path).unwrap() != own);
        let list = case.spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.iter_mut().find(|n| n["type"] == "network").unwrap()["path"] = json!(path);
        case.create();
        let joined = link(&case.state()["pid"], "net") == fs::read_link(&path).unwrap();
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(joined);
    }
);

case!(
    "config-linux.md#namespaces",
    a_path_to_another_kind_is_an_error,
    |case| {
        let list = case.spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.iter_mut().find(|n| n["type"] == "network").unwrap()["path"] =
            json!("/proc/self/ns/ipc");
        case.create_refused();
    }
);

// crun takes both.
case!(
    "config-linux.md#namespaces",
    a_kind_is_listed_once,
    [runc, lockgate],
    |case| {
        let list = case.spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({ "type": "uts" }));
        case.create_refused();
    }
);

case!(
    "config-linux.md#user-namespace-mappings",
    users_are_mapped,
    |case| {
        let mapping = json!([{ "containerID": 0, "hostID": 0, "size": 1000 }]);
        let list = case.spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({ "type": "user" }));
        case.spec["linux"]["uidMappings"] = mapping.clone();
        case.spec["linux"]["gidMappings"] = mapping;
        let map = case.output_of("cat /proc/self/uid_map");
        assert_eq!(
            map.split_whitespace().collect::<Vec<_>>(),
            ["0", "0", "1000"]
        );
    }
);

/// Killed when dropped.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

// proc and sysfs can be mounted only by whoever owns the new namespaces.
case!(
    "config-linux.md#namespaces",
    a_user_namespace_with_a_path_is_joined_and_owns_the_new_ones,
    |case| {
        let sleeper = std::process::Command::new("/usr/bin/unshare")
            .args(["--user", "sleep", "100"])
            .spawn();
        let other = Killed(sleeper.unwrap());
        let of = |name: &str| format!("/proc/{}/{name}", other.0.id());
        let own = fs::read_link("/proc/self/ns/user").unwrap();
        crate::case::eventually("its namespace", || {
            fs::read_link(of("ns/user")).unwrap() != own
        });
        for map in ["gid_map", "uid_map"] {
            fs::write(of(map), "0 0 1000\n").unwrap();
        }
        let list = case.spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({ "type": "user", "path": of("ns/user") }));
        // Debian's runc wants the maps nevertheless.
        let mapping = json!([{ "containerID": 0, "hostID": 0, "size": 1000 }]);
        case.spec["linux"]["uidMappings"] = mapping.clone();
        case.spec["linux"]["gidMappings"] = mapping;
        let joined = fs::read_link(of("ns/user")).unwrap();
        let said =
            case.output_of("readlink /proc/self/ns/user; cat /proc/self/uid_map; echo $$; id -u");
        let words: Vec<&str> = said.split_whitespace().collect();
        let joined = joined.to_string_lossy().into_owned();
        assert_eq!(words, [&joined, "0", "0", "1000", "1", "0"]);
    }
);

case!(
    "config-linux.md#default-devices",
    the_default_devices_are_there,
    |case| {
        let devices = case.output_of(
        "cd /dev; for d in null zero full random urandom tty; do stat -c '%n %t:%T' $d; done; ls -l ptmx",
    );
        for wanted in [
            "null 1:3",
            "zero 1:5",
            "full 1:7",
            "random 1:8",
            "urandom 1:9",
            "tty 5:0",
            "ptmx",
        ] {
            assert!(devices.contains(wanted), "{devices}");
        }
    }
);

case!(
    "config-linux.md#devices",
    a_listed_device_is_made_as_described,
    |case| {
        case.spec["linux"]["devices"] = json!([
            { "path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 7, "gid": 8 },
        ]);
        case.spec["linux"]["resources"] =
            json!({ "devices": [{ "allow": true, "access": "rwm" }] });
        assert_eq!(
            case.output_of("stat -c '%t:%T %a %u:%g' /dev/mine"),
            "1:3 640 7:8\n"
        );
    }
);

case!(
    "config-linux.md#allowed-device-list",
    a_forbidden_device_cannot_be_opened,
    |case| {
        case.spec["linux"]["resources"] = json!({ "devices": [
        { "allow": false, "access": "rwm" },
        { "allow": true, "type": "c", "major": 1, "minor": 5, "access": "rw" },
        { "allow": true, "type": "c", "major": 10, "minor": 229, "access": "m" },
    ] });
        let text = case.output_of(
        "mknod /tmp/fuse c 10 229; head -c 1 /dev/zero | wc -c; (: < /tmp/fuse) 2>&1 || echo refused",
    );
        assert!(
            text.starts_with('1') && text.contains("ermitted") && text.ends_with("refused\n"),
            "{text}"
        );
    }
);

case!(
    "config-linux.md#cgroups-path",
    the_cgroup_is_the_configured_one,
    |case| {
        case.args(&["sleep", "100"]);
        case.create();
        let pid = case.state()["pid"].clone();
        let own = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        assert!(
            own.lines().any(|line| line.ends_with(&case.cgroup)),
            "{own}"
        );
    }
);

case!(
    "config-linux.md#memory",
    the_memory_limit_reaches_the_kernel,
    |case| {
        case.spec["linux"]["resources"] =
            json!({ "memory": { "limit": 64 << 20, "reservation": 32 << 20 } });
        case.create();
        assert_eq!(
            case.cgroup_file("memory", "memory.limit_in_bytes", "memory.max"),
            "67108864"
        );
        assert_eq!(
            case.cgroup_file("memory", "memory.soft_limit_in_bytes", "memory.low"),
            "33554432"
        );
    }
);

case!(
    "config-linux.md#cpu",
    quota_and_period_reach_the_kernel,
    |case| {
        case.spec["linux"]["resources"] = json!({ "cpu": { "quota": 50_000, "period": 100_000 } });
        case.create();
        let text = case.cgroup_file("cpu", "cpu.cfs_quota_us", "cpu.max");
        assert_eq!(text.split(' ').next(), Some("50000"));
    }
);

case!("config-linux.md#cpu", shares_reach_the_kernel, |case| {
    case.spec["linux"]["resources"] = json!({ "cpu": { "shares": 512 } });
    case.create();
    let text = case.cgroup_file("cpu", "cpu.shares", "cpu.weight");
    // On the second version it is a weight: 1 + (512 - 2) * 9999 / 262142.
    assert!(text == "512" || text == "20", "{text}");
});

case!(
    "config-linux.md#pids",
    the_number_of_tasks_is_limited,
    |case| {
        case.spec["linux"]["resources"] = json!({ "pids": { "limit": 77 } });
        case.create();
        assert_eq!(case.cgroup_file("pids", "pids.max", "pids.max"), "77");
    }
);

case!(
    "config-linux.md#masked-paths",
    masked_paths_cannot_be_read,
    |case| {
        fs::create_dir(case.rootfs().join("secrets")).unwrap();
        fs::write(case.rootfs().join("secrets/one"), "secret").unwrap();
        fs::write(case.rootfs().join("secret"), "secret").unwrap();
        case.spec["linux"]["maskedPaths"] = json!(["/secrets", "/secret", "/not/there"]);
        assert_eq!(case.output_of("ls -A /secrets; cat /secret"), "");
    }
);

case!(
    "config-linux.md#readonly-paths",
    readonly_paths_cannot_be_written,
    |case| {
        case.spec["linux"]["readonlyPaths"] = json!(["/work", "/not/there"]);
        assert_eq!(
            case.output_of("touch /work/x 2>/dev/null || echo refused"),
            "refused\n"
        );
    }
);

case!(
    "config-linux.md#sysctl",
    kernel_parameters_are_set,
    |case| {
        case.spec["linux"]["sysctl"] =
            json!({ "net.ipv4.ip_forward": "1", "kernel.msgmax": "4096" });
        let text = case.output_of("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax");
        assert_eq!(text, "1\n4096\n");
    }
);

case!(
    "config-linux.md#sysctl",
    a_parameter_of_the_hosts_is_refused,
    |case| {
        case.spec["linux"]["sysctl"] = json!({ "kernel.panic": "1" });
        case.create_refused();
    }
);

case!(
    "config-linux.md#seccomp",
    a_forbidden_call_fails_with_the_configured_error,
    |case| {
        case.spec["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 }],
        });
        let text = case.output_of("mkdir /work/x 2>&1 || echo refused");
        assert!(
            text.contains("No space left") && text.ends_with("refused\n"),
            "{text}"
        );
    }
);

case!(
    "config-linux.md#seccomp",
    an_unknown_action_is_an_error,
    |case| {
        case.spec["linux"]["seccomp"] = json!({ "defaultAction": "SCMP_ACT_NONSENSE" });
        case.create_refused();
    }
);

case!(
    "config-linux.md#personality",
    the_execution_domain_is_set,
    [crun, lockgate],
    |case| {
        // runc knows it from 1.2 on.
        case.spec["linux"]["personality"] = json!({ "domain": "LINUX32" });
        assert_eq!(case.output_of("uname -m"), "i686\n");
    }
);

// Debian's runc and crun are older than the next two.
case!(
    "config.md#linux-process: scheduler",
    the_program_is_scheduled_as_configured,
    [lockgate],
    |case| {
        case.spec["process"]["scheduler"] = json!({
            "policy": "SCHED_BATCH", "nice": -5, "flags": ["SCHED_FLAG_RESET_ON_FORK"],
        });
        // After the command's name: nice is the 17th, the policy the 39th. Children do not get its advantage.
        let text = case.output_of(
            "f() { sed 's/.*) //' $1 | cut -d' ' -f17,39; }; f /proc/1/stat; f /proc/self/stat",
        );
        assert_eq!(text.lines().next(), Some("-5 3"), "{text}");
        assert_eq!(text.lines().nth(1), Some("0 3"), "{text}");
    }
);

case!(
    "config.md#linux-process: scheduler",
    a_contradictory_scheduler_is_refused,
    [lockgate],
    |case| {
        case.spec["process"]["scheduler"] = json!({ "policy": "SCHED_OTHER", "priority": 4 });
        let said = case.create_refused();
        assert!(said.contains("SchedFIFO or SchedRR"), "{said}");
        case.spec["process"]["scheduler"] = json!({ "policy": "SCHED_OTHER", "flags": ["NONE"] });
        case.create_refused();
    }
);

case!(
    "config.md#linux-process: ioPriority",
    the_program_has_the_configured_input_and_output_priority,
    [lockgate],
    |case| {
        case.spec["process"]["ioPriority"] = json!({ "class": "IOPRIO_CLASS_BE", "priority": 6 });
        assert_eq!(case.output_of("ionice -p 1").trim(), "best-effort: prio 6");
    }
);

case!(
    "config.md#linux-process: ioPriority",
    an_impossible_priority_is_refused,
    [lockgate],
    |case| {
        case.spec["process"]["ioPriority"] = json!({ "class": "IOPRIO_CLASS_BE", "priority": 8 });
        let said = case.create_refused();
        assert!(said.contains("ioPriority.Priority: 8"), "{said}");
    }
);
