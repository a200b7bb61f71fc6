//! `Resources`: limits, as the container's own cgroup shows them.

use serde_json::{Value, json};

use super::Case;
use super::lab::{Lab, cgroup, host};

/// The limit is there, or discarded with a warning that says so.
fn limited(lab: &Lab, key: &str, value: &Value, place: (&str, &str), seen: &str) {
    let warnings = lab.warnings(&host(key, value));
    if warnings.is_empty() {
        assert_eq!(
            lab.run(&host(key, value), &cgroup(place.0, place.1)),
            seen,
            "{key}"
        );
    } else {
        assert!(warnings[0].ends_with("iscarded."), "{warnings:?}");
    }
}

fn refusal(lab: &Lab, key: &str, value: &Value) -> String {
    lab.refused(&host(key, value)).1
}

/// A disk, and how a line of the throttles begins.
fn disk() -> (String, String) {
    for entry in std::fs::read_dir("/sys/block").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let node = format!("/dev/{name}");
        if std::fs::metadata(&node).is_ok() {
            let numbers = std::fs::read_to_string(entry.path().join("dev")).unwrap();
            return (node, numbers.trim().to_owned());
        }
    }
    panic!("no block device");
}

fn throttled(lab: &Lab, key: &str, file: &str, word: &str) {
    let (node, numbers) = disk();
    let asked = json!([{ "Path": node, "Rate": 1_048_576 }]);
    let v1 = format!("blkio/blkio.throttle.{file}_device");
    let seen = lab.run(&host(key, &asked), &cgroup(&v1, "io.max"));
    assert!(
        seen == format!("{numbers} 1048576") || seen.contains(&format!("{word}=1048576")),
        "{seen}"
    );
    let nope = json!([{ "Path": "/dev/nope", "Rate": 1 }]);
    assert_eq!(
        refusal(lab, key, &nope),
        "stat /dev/nope: no such file or directory"
    );
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    ("Resources.BlkioDeviceReadBps", |lab| throttled(lab, "BlkioDeviceReadBps", "read_bps", "rbps")),
    ("Resources.BlkioDeviceReadIOps", |lab| throttled(lab, "BlkioDeviceReadIOps", "read_iops", "riops")),
    ("Resources.BlkioDeviceWriteBps", |lab| throttled(lab, "BlkioDeviceWriteBps", "write_bps", "wbps")),
    ("Resources.BlkioDeviceWriteIOps", |lab| throttled(lab, "BlkioDeviceWriteIOps", "write_iops", "wiops")),
    ("Resources.BlkioWeight", |lab| limited(lab, "BlkioWeight", &json!(300), ("blkio/blkio.weight", "io.weight"), "300")),
    ("Resources.BlkioWeightDevice", |lab| {
        let (node, numbers) = disk();
        let asked = json!([{ "Path": node, "Weight": 300 }]);
        limited(lab, "BlkioWeightDevice", &asked, ("blkio/blkio.weight_device", "io.weight"), &format!("{numbers} 300"));
    }),
    ("Resources.CgroupParent", |lab| {
        let parent = lockgate_testkit::unique("lgoptparent");
        let seen = lab.run(&host("CgroupParent", &json!(format!("/../{parent}"))), "grep -m1 -E 'pids|^0:' /proc/self/cgroup");
        assert!(seen.contains(&format!(":/{parent}/")), "{seen}");
        for root in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            drop(std::fs::remove_dir(root.path().join(&parent)));
        }
        drop(std::fs::remove_dir(format!("/sys/fs/cgroup/{parent}")));
    }),
    // Limits of Windows: kept and shown, as the stock engine does.
    ("Resources.CpuCount", |lab| assert_eq!(lab.shown(&host("CpuCount", &json!(1)), "/HostConfig/CpuCount"), 1)),
    ("Resources.CpuPercent", |lab| assert_eq!(lab.warnings(&host("CpuPercent", &json!(5))), ["linux does not support CPU percent. Percent discarded."])),
    ("Resources.CpuPeriod", |lab| {
        let asked = json!({ "HostConfig": { "CpuPeriod": 50_000, "CpuQuota": 25_000 } });
        assert!(["50000", "25000 50000"].contains(&lab.run(&asked, &cgroup("cpu/cpu.cfs_period_us", "cpu.max")).as_str()));
        assert!(refusal(lab, "CpuPeriod", &json!(1)).starts_with("CPU cfs period can not be less than 1ms"));
    }),
    ("Resources.CpuQuota", |lab| {
        let asked = host("CpuQuota", &json!(25_000));
        assert!(lab.run(&asked, &cgroup("cpu/cpu.cfs_quota_us", "cpu.max")).starts_with("25000"));
        assert!(refusal(lab, "CpuQuota", &json!(1)).starts_with("CPU cfs quota can not be less than 1ms"));
    }),
    ("Resources.CpuRealtimePeriod", |lab| {
        let asked = json!({ "HostConfig": { "CpuRealtimePeriod": 1000, "CpuRealtimeRuntime": 2000 } });
        let said = lab.refused(&asked).1;
        assert!(said.starts_with("cpu real-time runtime cannot be higher") || said == "kernel does not support CPU real-time scheduler", "{said}");
    }),
    // The parent has no real-time budget to give from, so the kernel refuses what is not zero.
    ("Resources.CpuRealtimeRuntime", |lab| {
        let said = refusal(lab, "CpuRealtimeRuntime", &json!(950_000));
        assert!(said.contains("cpu.rt_runtime_us") || said == "kernel does not support CPU real-time scheduler", "{said}");
    }),
    ("Resources.CpuShares", |lab| {
        assert!(["512", "20", "59"].contains(&lab.run(&host("CpuShares", &json!(512)), &cgroup("cpu/cpu.shares", "cpu.weight")).as_str()));
        assert_eq!(refusal(lab, "CpuShares", &json!(-1)), "invalid CPU shares (-1): value must be a positive integer");
    }),
    ("Resources.CpusetCpus", |lab| {
        assert_eq!(lab.run(&host("CpusetCpus", &json!("0")), "grep Cpus_allowed_list /proc/self/status"), "Cpus_allowed_list:\t0");
        assert!(refusal(lab, "CpusetCpus", &json!("0-8000")).starts_with("Requested CPUs are not available - requested 0-8000"));
        assert_eq!(refusal(lab, "CpusetCpus", &json!("x")), "Invalid value x for cpuset cpus: invalid format: x");
    }),
    ("Resources.CpusetMems", |lab| {
        limited(lab, "CpusetMems", &json!("0"), ("cpuset/cpuset.mems", "cpuset.mems"), "0");
        assert!(refusal(lab, "CpusetMems", &json!("999")).starts_with("Requested memory nodes are not available - requested 999"));
    }),
    ("Resources.DeviceCgroupRules", |lab| {
        let make = "busybox mknod /tmp/rtc c 10 200 && cat /tmp/rtc 2>&1 | grep -c 'not permitted'";
        assert_eq!(lab.run(&host("DeviceCgroupRules", &json!(["c 1:3 rwm"])), make), "1");
        assert_eq!(lab.run(&host("DeviceCgroupRules", &json!(["c 10:200 rwm"])), make), "0");
        assert_eq!(refusal(lab, "DeviceCgroupRules", &json!(["foo"])), "invalid device cgroup rule format: 'foo'");
    }),
    ("Resources.DeviceRequests", |lab| {
        let asked = |id: &str| host("DeviceRequests", &json!([{ "Driver": "cdi", "DeviceIDs": [id] }]));
        assert_eq!(lab.run(&asked("lockgate.example/null=one"), "echo $CDI_ONE; echo x > /dev/one && cat /dev/one"), "1");
        assert_eq!(lab.refused(&asked("lockgate.example/null=two")), (500, "CDI device injection failed: unresolvable CDI devices lockgate.example/null=two".to_owned()));
        let gpus = host("DeviceRequests", &json!([{ "Count": -1, "Capabilities": [["gpu"]] }]));
        assert_eq!(lab.refused(&gpus), (500, "could not select device driver \"\" with capabilities: [[gpu]]".to_owned()));
    }),
    ("Resources.Devices", |lab| {
        let device = json!([{ "PathOnHost": "/dev/zero", "PathInContainer": "/dev/x", "CgroupPermissions": "r" }]);
        assert_eq!(lab.run(&host("Devices", &device), "head -c 2 /dev/x | busybox wc -c"), "2");
        let nope = json!([{ "PathOnHost": "/dev/nope", "CgroupPermissions": "r" }]);
        assert_eq!(refusal(lab, "Devices", &nope), "error gathering device information while adding custom device \"/dev/nope\": no such file or directory");
    }),
    ("Resources.IOMaximumBandwidth", |lab| assert_eq!(refusal(lab, "IOMaximumBandwidth", &json!(5)), "invalid option: QoS maximum bandwidth configuration is not supported on linux")),
    ("Resources.IOMaximumIOps", |lab| assert_eq!(refusal(lab, "IOMaximumIOps", &json!(5)), "invalid option: QoS maximum IOPs configuration is not supported on linux")),
    ("Resources.Init", |lab| {
        // Process 1 is not the shell.
        assert_ne!(lab.run(&host("Init", &json!(true)), "echo $$"), "1");
        assert_eq!(lab.run(&host("Init", &json!(false)), "echo $$"), "1");
    }),
    ("Resources.Memory", |lab| {
        assert_eq!(lab.run(&host("Memory", &json!(64 << 20)), &cgroup("memory/memory.limit_in_bytes", "memory.max")), "67108864");
        assert_eq!(refusal(lab, "Memory", &json!(1)), "Minimum memory limit allowed is 6MB");
    }),
    ("Resources.MemoryReservation", |lab| limited(lab, "MemoryReservation", &json!(32 << 20), ("memory/memory.soft_limit_in_bytes", "memory.low"), "33554432")),
    ("Resources.MemorySwap", |lab| {
        let asked = json!({ "HostConfig": { "Memory": 64 << 20, "MemorySwap": 96 << 20 } });
        let seen = lab.run(&asked, &cgroup("memory/memory.memsw.limit_in_bytes", "memory.swap.max"));
        assert!(["100663296", "33554432"].contains(&seen.as_str()), "{seen}");
        assert!(refusal(lab, "MemorySwap", &json!(64 << 20)).starts_with("You should always set the Memory limit"));
    }),
    ("Resources.MemorySwappiness", |lab| {
        limited(lab, "MemorySwappiness", &json!(10), ("memory/memory.swappiness", "memory.swappiness"), "10");
        assert_eq!(refusal(lab, "MemorySwappiness", &json!(101)), "Invalid value: 101, valid memory swappiness range is 0-100");
    }),
    ("Resources.NanoCpus", |lab| {
        assert!(lab.run(&host("NanoCpus", &json!(500_000_000)), &cgroup("cpu/cpu.cfs_quota_us", "cpu.max")).starts_with("50000"));
        assert!(refusal(lab, "NanoCpus", &json!(-1)).starts_with("range of CPUs is from 0.01 to "));
    }),
    ("Resources.OomKillDisable", |lab| {
        let asked = json!({ "HostConfig": { "Memory": 64 << 20, "OomKillDisable": true } });
        if lab.warnings(&asked).is_empty() {
            assert!(lab.run(&asked, "cat /sys/fs/cgroup/memory/memory.oom_control").starts_with("oom_kill_disable 1"));
        }
        assert!(lab.warnings(&host("OomKillDisable", &json!(true)))[0].contains("OOM") );
    }),
    ("Resources.PidsLimit", |lab| {
        limited(lab, "PidsLimit", &json!(20), ("pids/pids.max", "pids.max"), "20");
        limited(lab, "PidsLimit", &json!(-1), ("pids/pids.max", "pids.max"), "max");
    }),
    ("Resources.Ulimits", |lab| {
        let asked = json!([{ "Name": "nofile", "Soft": 100, "Hard": 200 }]);
        assert_eq!(lab.run(&host("Ulimits", &asked), "ulimit -n; ulimit -Hn"), "100\n200");
        assert_eq!(refusal(lab, "Ulimits", &json!([{ "Name": "foo", "Soft": 1, "Hard": 1 }])), "invalid ulimit type: foo");
    }),
];
