//! Every field that `update` can change reaches the cgroup of the running container.

use serde_json::{Value, json};

use super::lab::{Lab, cgroup, id};

#[test]
fn every_updatable_limit_reaches_the_cgroup() {
    let lab = Lab::start();
    let asked = json!({ "Cmd": ["sleep", "60"], "HostConfig": { "Memory": 64 << 20, "MemorySwap": 64 << 20 } });
    let id = id(&lab.start_container(&asked));
    let update = |body: Value| {
        let answer = lab.daemon.api(
            "POST",
            &format!("/containers/{id}/update"),
            Some(&body.to_string()),
        );
        (answer.status, answer.json())
    };
    let cases: [(Value, &str, &str, &[&str]); 9] = [
        (
            json!({ "Memory": 128 << 20, "MemorySwap": 256 << 20 }),
            "memory/memory.limit_in_bytes",
            "memory.max",
            &["134217728"],
        ),
        (
            json!({ "MemorySwap": 192 << 20 }),
            "memory/memory.memsw.limit_in_bytes",
            "memory.swap.max",
            &["201326592", "67108864"],
        ),
        (
            json!({ "MemoryReservation": 32 << 20 }),
            "memory/memory.soft_limit_in_bytes",
            "memory.low",
            &["33554432"],
        ),
        (
            json!({ "CpuShares": 512 }),
            "cpu/cpu.shares",
            "cpu.weight",
            &["512", "20", "59"],
        ),
        (
            json!({ "CpuPeriod": 50_000, "CpuQuota": 25_000 }),
            "cpu/cpu.cfs_quota_us",
            "cpu.max",
            &["25000", "25000 50000"],
        ),
        (
            json!({ "CpusetCpus": "0" }),
            "cpuset/cpuset.cpus",
            "cpuset.cpus",
            &["0"],
        ),
        (
            json!({ "CpusetMems": "0" }),
            "cpuset/cpuset.mems",
            "cpuset.mems",
            &["0"],
        ),
        (
            json!({ "PidsLimit": 33 }),
            "pids/pids.max",
            "pids.max",
            &["33"],
        ),
        (
            json!({ "PidsLimit": 0 }),
            "pids/pids.max",
            "pids.max",
            &["max"],
        ),
    ];
    for (body, v1, v2, expected) in cases {
        let (status, answer) = update(body.clone());
        assert_eq!(
            (status, &answer["Warnings"]),
            (200, &Value::Null),
            "{body}: {answer}"
        );
        let seen = lab
            .daemon
            .docker(&["exec", &id, "sh", "-c", &cgroup(v1, v2)]);
        assert!(expected.contains(&seen.ok()), "{body}: {seen}");
    }
    let (status, answer) = update(json!({ "NanoCpus": 500_000_000 }));
    assert_eq!(status, 409);
    let text =
        "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set";
    assert_eq!(
        answer["message"],
        format!("Cannot update container {id}: {text}")
    );
    let (status, answer) = update(json!({ "Memory": 512 << 20 }));
    assert_eq!(status, 409);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .ends_with("update the memoryswap at the same time")
    );
    let (status, _) = update(json!({ "RestartPolicy": { "Name": "unless-stopped" } }));
    assert_eq!(status, 200);
    assert_eq!(
        lab.inspect(&id)["HostConfig"]["RestartPolicy"]["Name"],
        "unless-stopped"
    );
    lab.remove(&id);
}
