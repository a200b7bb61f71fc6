//! `HostConfig`, but for the resources.

use serde_json::{Value, json};

use super::Case;
use super::lab::{Lab, host, id};

fn output(lab: &Lab, key: &str, value: &Value, script: &str) -> String {
    lab.run(&host(key, value), script)
}

fn refusal(lab: &Lab, key: &str, value: &Value) -> String {
    lab.refused(&host(key, value)).1
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    ("HostConfig.Annotations", |lab| {
        let asked = json!({ "Cmd": ["sleep", "60"], "HostConfig": { "Annotations": { "a.b": "c" } } });
        let id = id(&lab.start_container(&asked));
        let bundle = lab.daemon.path("exec/containers").join(&id).join("config.json");
        let spec: Value = serde_json::from_slice(&std::fs::read(bundle).unwrap()).unwrap();
        assert_eq!(spec["annotations"]["a.b"], "c");
        lab.remove(&id);
        assert!(refusal(lab, "Annotations", &json!({ "": "x" })).starts_with("invalid Annotations"));
    }),
    ("HostConfig.AutoRemove", |lab| {
        let id = id(&lab.start_container(&json!({ "Cmd": ["sleep", "0.2"], "HostConfig": { "AutoRemove": true } })));
        lab.daemon.api("POST", &format!("/containers/{id}/wait?condition=removed"), None);
        assert_eq!(lab.daemon.api("GET", &format!("/containers/{id}/json"), None).status, 404);
    }),
    ("HostConfig.Binds", |lab| {
        let bind = format!("{}:/b:ro", lab.folder.path().display());
        let script = "cat /b/file; touch /b/new 2>/dev/null || echo read-only";
        assert_eq!(output(lab, "Binds", &json!([bind]), script), "content\nread-only");
        assert_eq!(refusal(lab, "Binds", &json!(["/x:rel"])), "invalid volume specification: '/x:rel': invalid mount config for type \"bind\": invalid mount path: 'rel' mount path must be absolute");
    }),
    ("HostConfig.CapAdd", |lab| {
        assert_eq!(output(lab, "CapAdd", &json!(["NET_ADMIN"]), "grep CapEff /proc/self/status"), "CapEff:\t00000000a80435fb");
        assert_eq!(refusal(lab, "CapAdd", &json!(["FOO"])), "invalid CapAdd: unknown capability: \"CAP_FOO\"");
    }),
    ("HostConfig.CapDrop", |lab| {
        assert_eq!(output(lab, "CapDrop", &json!(["ALL"]), "grep CapEff /proc/self/status"), "CapEff:\t0000000000000000");
    }),
    // A name for an orchestrator; the stock engine keeps it and does nothing with it either.
    ("HostConfig.Cgroup", |lab| assert_eq!(lab.shown(&host("Cgroup", &json!("x")), "/HostConfig/Cgroup"), "x")),
    ("HostConfig.CgroupnsMode", |lab| {
        let script = "busybox readlink /proc/self/ns/cgroup";
        let host = std::fs::read_link("/proc/self/ns/cgroup").unwrap();
        let host = host.to_string_lossy();
        assert_eq!(output(lab, "CgroupnsMode", &json!("host"), script), host);
        assert_ne!(output(lab, "CgroupnsMode", &json!("private"), script), host);
        assert_eq!(refusal(lab, "CgroupnsMode", &json!("foo")), "invalid cgroup namespace mode: foo");
    }),
    ("HostConfig.ConsoleSize", |lab| {
        assert_eq!(output(lab, "ConsoleSize", &json!([11, 22]), "stty size"), "11 22");
    }),
    // The client writes that file.
    ("HostConfig.ContainerIDFile", |lab| {
        assert_eq!(lab.shown(&host("ContainerIDFile", &json!("/x")), "/HostConfig/ContainerIDFile"), "/x");
    }),
    ("HostConfig.Dns", |lab| {
        assert_eq!(output(lab, "Dns", &json!(["192.0.2.7"]), "grep nameserver /etc/resolv.conf"), "nameserver 192.0.2.7");
        assert_eq!(refusal(lab, "Dns", &json!(["foo"])), "bad nameserver address foo: ParseAddr(\"foo\"): unable to parse IP");
    }),
    ("HostConfig.DnsOptions", |lab| {
        assert_eq!(output(lab, "DnsOptions", &json!(["ndots:3"]), "grep options /etc/resolv.conf"), "options ndots:3");
    }),
    ("HostConfig.DnsSearch", |lab| {
        assert_eq!(output(lab, "DnsSearch", &json!(["a.example"]), "grep search /etc/resolv.conf"), "search a.example");
    }),
    ("HostConfig.ExtraHosts", |lab| {
        let asked = json!({ "HostConfig": { "NetworkMode": "bridge", "ExtraHosts": ["one:192.0.2.1", "me:host-gateway"] } });
        let hosts = lab.run(&asked, "cat /etc/hosts; ip route");
        let gateway = hosts.lines().find_map(|line| line.strip_prefix("default via ")?.split(' ').next()).unwrap();
        assert!(hosts.contains("192.0.2.1\tone\n"), "{hosts}");
        assert!(hosts.contains(&format!("{gateway}\tme\n")), "{hosts}");
        assert_eq!(refusal(lab, "ExtraHosts", &json!(["a"])), "bad format for add-host: \"a\"");
    }),
    ("HostConfig.GroupAdd", |lab| {
        assert_eq!(output(lab, "GroupAdd", &json!(["7", "extra"]), "id -G"), "0 7 2000");
        assert_eq!(refusal(lab, "GroupAdd", &json!(["nope"])), "unable to find group nope: no matching entries in group file");
    }),
    ("HostConfig.IpcMode", |lab| {
        let host_ipc = std::fs::read_link("/proc/self/ns/ipc").unwrap();
        let script = "busybox readlink /proc/self/ns/ipc; ls -d /dev/mqueue";
        assert_eq!(output(lab, "IpcMode", &json!("host"), script), format!("{}\n/dev/mqueue", host_ipc.display()));
        assert_eq!(output(lab, "IpcMode", &json!("none"), "ls /dev/shm 2>/dev/null || echo none"), "none");
        for (mode, shared) in [("shareable", true), ("private", false)] {
            let asked = json!({ "Cmd": ["sh", "-c", "echo hello > /dev/shm/x; sleep 60"], "HostConfig": { "IpcMode": mode } });
            let donor = id(&lab.start_container(&asked));
            let joining = host("IpcMode", &json!(format!("container:{donor}")));
            if shared {
                assert_eq!(lab.run(&joining, "until cat /dev/shm/x 2>/dev/null; do sleep 0.05; done"), "hello");
            } else {
                assert_eq!(lab.refused(&joining).1, format!("failed to join IPC namespace: container {donor}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"));
            }
            lab.remove(&donor);
        }
        assert!(std::fs::read_dir(lab.daemon.path("exec/shm")).unwrap().next().is_none());
        assert_eq!(refusal(lab, "IpcMode", &json!("foo")), "invalid IPC mode: foo");
        assert_eq!(lab.refused(&host("IpcMode", &json!("container:nope"))), (400, "No such container: nope".to_owned()));
    }),
    ("HostConfig.Isolation", |lab| {
        assert_eq!(refusal(lab, "Isolation", &json!("hyperv")), "invalid isolation (hyperv): linux only supports 'default'");
    }),
    ("HostConfig.Links", |lab| {
        lab.daemon.docker(&["run", "-d", "--name", "db", "-e", "SECRET=7", "--expose", "80", "busybox", "sleep", "60"]).ok();
        let asked = json!({ "HostConfig": { "NetworkMode": "bridge", "Links": ["db:sql"] } });
        let seen = lab.run(&asked, "grep sql /etc/hosts; env");
        let address = lab.daemon.inspect("db", "{{.NetworkSettings.IPAddress}}");
        assert!(seen.starts_with(&format!("{address}\tsql ")), "{seen}");
        for line in [format!("SQL_PORT=tcp://{address}:80"), format!("SQL_PORT_80_TCP_ADDR={address}"), "SQL_ENV_SECRET=7".to_owned()] {
            assert!(seen.contains(&line), "{line}: {seen}");
        }
        lab.daemon.docker(&["create", "--name", "web", "--link", "db:sql", "busybox"]).ok();
        assert_eq!(lab.daemon.inspect("web", "{{.HostConfig.Links}}"), "[/db:/web/sql]");
        lab.daemon.docker(&["stop", "-t", "0", "db"]).ok();
        assert_eq!(lab.daemon.api("POST", "/containers/web/start", None).json()["message"], "Cannot link to a non running container: /db AS /web/sql");
        let unlink = |name: &str| lab.daemon.docker(&["rm", "--link", name]);
        unlink("web").failed_with(1, "Conflict, cannot remove the default link name of the container");
        unlink("web/db").failed_with(1, "No such container: web/db");
        lab.daemon.docker(&["rm", "web/sql"]).failed_with(1, "No such container: web/sql");
        unlink("web/sql").ok();
        unlink("web/sql").failed_with(1, "No such container: web/sql");
        assert_eq!(lab.daemon.inspect("web", "{{.HostConfig.Links}}"), "[]");
        lab.daemon.docker(&["start", "web"]).ok();
        lab.daemon.docker(&["rm", "-f", "web", "db"]).ok();
        let asked = json!({ "HostConfig": { "NetworkMode": "bridge", "Links": ["nope"] } });
        assert_eq!(lab.refused(&asked), (400, "could not get container for nope: No such container: nope".to_owned()));
    }),
    ("HostConfig.LogConfig", |lab| {
        let asked = json!({ "Labels": { "a": "b" }, "HostConfig": { "LogConfig": { "Type": "json-file", "Config": { "labels": "a" } } } });
        let id = id(&lab.start_container(&asked));
        lab.daemon.api("POST", &format!("/containers/{id}/wait"), None);
        assert_eq!(lab.inspect(&id)["HostConfig"]["LogConfig"]["Config"]["labels"], "a");
        lab.remove(&id);
        let wrong = json!({ "Type": "json-file", "Config": { "foo": "1" } });
        assert_eq!(refusal(lab, "LogConfig", &wrong), "unknown log opt 'foo' for json-file log driver");
    }),
    ("HostConfig.MaskedPaths", |lab| {
        let script = "cat /proc/version";
        assert_eq!(output(lab, "MaskedPaths", &json!(["/proc/version"]), script), "");
        assert_ne!(output(lab, "MaskedPaths", &json!([]), script), "");
    }),
    ("HostConfig.Mounts", mounts),
    ("HostConfig.NetworkMode", |lab| {
        assert_eq!(output(lab, "NetworkMode", &json!("none"), "ls /sys/class/net"), "lo");
        assert!(output(lab, "NetworkMode", &json!("bridge"), "ls /sys/class/net").contains("eth0"));
        assert_eq!(refusal(lab, "NetworkMode", &json!("nope")), "failed to set up container networking: network nope not found");
        let joined = json!({ "Hostname": "x", "HostConfig": { "NetworkMode": "container:y" } });
        assert_eq!(lab.refused(&joined).1, "conflicting options: hostname and the network mode");
    }),
    ("HostConfig.OomScoreAdj", |lab| {
        assert_eq!(output(lab, "OomScoreAdj", &json!(500), "cat /proc/self/oom_score_adj"), "500");
        assert_eq!(refusal(lab, "OomScoreAdj", &json!(2000)), "Invalid value 2000, range for oom score adj is [-1000, 1000]");
    }),
    ("HostConfig.PidMode", |lab| {
        let host_pid = std::fs::read_link("/proc/self/ns/pid").unwrap();
        assert_eq!(output(lab, "PidMode", &json!("host"), "busybox readlink /proc/self/ns/pid"), host_pid.to_string_lossy());
        assert_eq!(refusal(lab, "PidMode", &json!("foo")), "invalid PID mode: foo");
    }),
    ("HostConfig.PortBindings", |lab| {
        let asked = json!({ "Cmd": ["sh", "-c", "while :; do echo hi | nc -l -p 80; done"], "ExposedPorts": { "80/tcp": {} },
            "HostConfig": { "NetworkMode": "bridge", "PortBindings": { "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "" }] } } });
        let id = id(&lab.start_container(&asked));
        let seen = lab.inspect(&id);
        let port = seen["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].as_str().unwrap();
        lockgate_testkit::eventually("the port answers", || {
            let said = lab.daemon.netns().run("sh", &["-c", &format!("busybox nc 127.0.0.1 {port} </dev/null || true")]);
            (said.trim() == "hi").then_some(())
        });
        lab.remove(&id);
        assert_eq!(refusal(lab, "PortBindings", &json!({ "80/tcp": [{ "HostPort": "x" }] })), "invalid port specification: \"x\"");
    }),
    ("HostConfig.Privileged", |lab| {
        let seen = output(lab, "Privileged", &json!(true), "grep Seccomp: /proc/self/status; grep '^sysfs' /proc/mounts");
        assert!(seen.starts_with("Seccomp:\t0\n") && seen.contains(" rw,"), "{seen}");
        assert_eq!(lab.shown(&host("Privileged", &json!(true)), "/HostConfig/SecurityOpt"), json!(["label=disable"]));
    }),
    ("HostConfig.PublishAllPorts", |lab| {
        let asked = json!({ "Cmd": ["sleep", "60"], "ExposedPorts": { "80/tcp": {} }, "HostConfig": { "NetworkMode": "bridge", "PublishAllPorts": true } });
        let id = id(&lab.start_container(&asked));
        assert!(lab.inspect(&id)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].is_string());
        lab.remove(&id);
    }),
    ("HostConfig.ReadonlyPaths", |lab| {
        let script = "echo 1 > /proc/sys/kernel/shm_rmid_forced && echo written";
        assert_eq!(output(lab, "ReadonlyPaths", &json!([]), script), "written");
        assert!(output(lab, "ReadonlyPaths", &json!(["/proc/sys"]), script).contains("Read-only file system"));
    }),
    ("HostConfig.ReadonlyRootfs", |lab| {
        assert!(output(lab, "ReadonlyRootfs", &json!(true), "touch /x").contains("Read-only file system"));
    }),
    ("HostConfig.RestartPolicy", |lab| {
        let asked = json!({ "Cmd": ["false"], "HostConfig": { "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 2 } } });
        let id = id(&lab.start_container(&asked));
        lockgate_testkit::eventually("it was restarted twice", || (lab.inspect(&id)["RestartCount"] == 2).then_some(()));
        lab.remove(&id);
        assert!(refusal(lab, "RestartPolicy", &json!({ "Name": "foo" })).starts_with("invalid restart policy: unknown policy 'foo'"));
    }),
    ("HostConfig.Runtime", |lab| {
        assert_eq!(refusal(lab, "Runtime", &json!("nope")), "unknown or invalid runtime name: nope");
    }),
    ("HostConfig.SecurityOpt", |lab| {
        let status = "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status";
        assert_eq!(output(lab, "SecurityOpt", &json!(["no-new-privileges", "seccomp=unconfined"]), status), "NoNewPrivs:\t1\nSeccomp:\t0");
        let profile = r#"seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}"#;
        assert!(output(lab, "SecurityOpt", &json!([profile]), "mkdir /x").contains("Operation not permitted"));
        let cgroups = "grep ' /sys/fs/cgroup ' /proc/mounts | cut -d' ' -f4 | cut -c1-2";
        assert_eq!(output(lab, "SecurityOpt", &json!(["writable-cgroups=true"]), cgroups), "rw");
        assert_eq!(refusal(lab, "SecurityOpt", &json!(["foo=bar"])), "invalid --security-opt 2: \"foo=bar\"");
    }),
    ("HostConfig.ShmSize", |lab| {
        assert_eq!(output(lab, "ShmSize", &json!(1 << 20), "df -k /dev/shm | grep shm | busybox awk '{print $2}'"), "1024");
        assert_eq!(refusal(lab, "ShmSize", &json!(-1)), "SHM size can not be less than 0");
    }),
    ("HostConfig.StorageOpt", |lab| {
        assert_eq!(refusal(lab, "StorageOpt", &json!({ "size": "1g" })), "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
        assert_eq!(refusal(lab, "StorageOpt", &json!({ "foo": "1g" })), "Unknown option foo");
    }),
    ("HostConfig.Sysctls", |lab| {
        assert_eq!(output(lab, "Sysctls", &json!({ "net.ipv4.ip_forward": "0" }), "cat /proc/sys/net/ipv4/ip_forward"), "0");
        assert!(refusal(lab, "Sysctls", &json!({ "vm.swappiness": "1" })).contains("sysctl \"vm.swappiness\" is not in a separate kernel namespace"));
        let shared = json!({ "HostConfig": { "NetworkMode": "host", "Sysctls": { "net.ipv4.ip_forward": "1" } } });
        assert!(lab.refused(&shared).1.contains("sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"));
    }),
    ("HostConfig.Tmpfs", |lab| {
        let seen = output(lab, "Tmpfs", &json!({ "/t": "size=1m,mode=700,exec" }), "grep ' /t ' /proc/mounts");
        assert!(seen.contains("size=1024k,mode=700") && !seen.contains("noexec"), "{seen}");
        assert_eq!(refusal(lab, "Tmpfs", &json!({ "/t": "foo=1" })), "invalid tmpfs option \"foo\"");
    }),
    ("HostConfig.UTSMode", |lab| {
        let host_uts = std::fs::read_link("/proc/self/ns/uts").unwrap();
        assert_eq!(output(lab, "UTSMode", &json!("host"), "busybox readlink /proc/self/ns/uts"), host_uts.to_string_lossy());
        assert_eq!(refusal(lab, "UTSMode", &json!("foo")), "invalid UTS mode: foo");
    }),
    // Without remapping every container is in the host's user namespace.
    ("HostConfig.UsernsMode", |lab| {
        let host_user = std::fs::read_link("/proc/self/ns/user").unwrap();
        assert_eq!(output(lab, "UsernsMode", &json!("host"), "busybox readlink /proc/self/ns/user"), host_user.to_string_lossy());
        assert_eq!(refusal(lab, "UsernsMode", &json!("foo")), "invalid userns mode: foo");
    }),
    ("HostConfig.VolumeDriver", |lab| {
        let asked = json!({ "HostConfig": { "VolumeDriver": "nope", "Binds": ["v1:/x"] } });
        assert_eq!(lab.refused(&asked), (404, "create v1: error looking up volume plugin nope: plugin \"nope\" not found".to_owned()));
    }),
    ("HostConfig.VolumesFrom", |lab| {
        lab.daemon.docker(&["run", "--name", "donor", "--network", "none", "-v", "/data", "busybox", "sh", "-c", "echo x > /data/y"]).ok();
        let script = "cat /data/y; touch /data/z 2>/dev/null || echo read-only";
        assert_eq!(output(lab, "VolumesFrom", &json!(["donor:ro"]), script), "x\nread-only");
        lab.daemon.docker(&["rm", "-v", "donor"]).ok();
        assert_eq!(lab.refused(&host("VolumesFrom", &json!(["nope"]))), (400, "No such container: nope".to_owned()));
        assert_eq!(refusal(lab, "VolumesFrom", &json!(["nope:bogus"])), "invalid mode: bogus");
    }),
];

/// Mounts of every type, with what is special to each.
fn mounts(lab: &Lab) {
    let folder = lab.folder.path();
    let mount = |mount: Value, script: &str| output(lab, "Mounts", &json!([mount]), script);
    let refuse = |mount: Value| refusal(lab, "Mounts", &json!([mount]));
    // What is mounted below a read-only bind is read-only as well, unless it is asked to be left.
    let outer = folder.join("outer");
    std::fs::create_dir_all(outer.join("inner")).unwrap();
    let script = format!("mount -t tmpfs tmpfs {}", outer.join("inner").display());
    lockgate_testkit::run(lockgate_testkit::program("sh").args(["-c", &script]), b"").ok();
    let below = "touch /m/inner/x 2>/dev/null && echo written || echo read-only";
    let bind = |options: Value| json!({ "Type": "bind", "Source": outer, "Target": "/m", "ReadOnly": true, "BindOptions": options });
    let (all, left) = (
        mount(bind(json!({})), below),
        mount(bind(json!({ "ReadOnlyNonRecursive": true })), below),
    );
    lockgate_testkit::run(
        lockgate_testkit::program("umount").arg(outer.join("inner")),
        b"",
    )
    .ok();
    assert_eq!((all.as_str(), left.as_str()), ("read-only", "written"));
    let made = folder.join("made/here");
    mount(
        json!({ "Type": "bind", "Source": made, "Target": "/m", "BindOptions": { "CreateMountpoint": true } }),
        "true",
    );
    assert!(made.is_dir());
    // A part of a volume; a link in it does not lead out of it.
    let fill = json!({ "Type": "volume", "Source": "parts", "Target": "/v" });
    mount(
        fill,
        "mkdir /v/a; echo part > /v/a/f; busybox ln -s / /v/out",
    );
    let part = |path: &str| json!({ "Type": "volume", "Source": "parts", "Target": "/v", "VolumeOptions": { "Subpath": path } });
    assert_eq!(
        mount(part("a"), "ls -1 /v; echo more >> /v/f; cat /v/f"),
        "f\npart\nmore"
    );
    assert_eq!(mount(part("a/f"), "cat /v"), "part\nmore");
    assert_eq!(
        mount(part("out"), "ls -1 /v"),
        "a\nout",
        "the link leads to the volume's own root"
    );
    assert!(refuse(part("nope")).starts_with("cannot access path "));
    assert!(refuse(part("../x")).ends_with("subpath must be a relative path within the volume"));
    assert!(
        std::fs::read_dir(lab.daemon.path("exec/mounts"))
            .unwrap()
            .next()
            .is_none(),
        "nothing stays mounted"
    );
    // An image.
    let image = |path: &str| json!({ "Type": "image", "Source": "busybox", "Target": "/i", "ImageOptions": { "Subpath": path } });
    assert_eq!(
        mount(
            image("etc"),
            "ls -1 /i; touch /i/x 2>/dev/null || echo read-only"
        ),
        "group\npasswd\nread-only"
    );
    assert_eq!(
        lab.warnings(&host("Mounts", &json!([image("")]))),
        ["Image mount is an experimental feature"]
    );
    // A tmpfs.
    let tmpfs = json!({ "Type": "tmpfs", "Target": "/t", "TmpfsOptions": { "SizeBytes": 1 << 20, "Mode": 0o700, "Options": [["exec"]] } });
    let seen = mount(tmpfs, "grep ' /t ' /proc/mounts");
    assert!(
        seen.contains("size=1024k,mode=700") && !seen.contains("noexec"),
        "{seen}"
    );
    for kind in ["foo", "", "npipe", "cluster"] {
        assert_eq!(
            refuse(json!({ "Type": kind, "Target": "/x" })),
            format!("invalid mount config for type \"{kind}\": mount type unknown")
        );
    }
    let twice = json!([{ "Type": "tmpfs", "Target": "/x" }, { "Type": "tmpfs", "Target": "/x/" }]);
    assert_eq!(refusal(lab, "Mounts", &twice), "Duplicate mount point: /x/");
}
