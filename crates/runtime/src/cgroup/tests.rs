use oci_spec::runtime::{LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};

use super::*;

/// A cgroup of this test alone, removed at the end of it, also on panic.
struct Scratch(Cgroup);

impl Scratch {
    fn new(name: &str, resources: Option<&LinuxResources>) -> Self {
        let path = format!("/lockgate-test-{}-{name}", std::process::id());
        Self(Cgroup::create(Path::new(&path), resources).unwrap())
    }

    fn file(&self, controller: &str, name: &str) -> String {
        let directory = match self.0.version() {
            Version::V1 => self.0.controller(controller).unwrap(),
            Version::V2 => self.0.unified(),
        };
        file::read(&directory, name).unwrap().trim().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.0.delete());
    }
}

fn limits() -> LinuxResources {
    let mut memory = LinuxMemory::default();
    memory.set_limit(Some(64 << 20));
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(Some(512))
        .set_quota(Some(50_000))
        .set_period(Some(100_000));
    let mut pids = LinuxPids::default();
    pids.set_limit(77);
    let mut resources = LinuxResources::default();
    resources
        .set_memory(Some(memory))
        .set_cpu(Some(cpu))
        .set_pids(Some(pids));
    resources.set_devices(Some(crate::spec::default_device_rules()));
    resources
}

#[test]
fn writes_limits_and_reads_them_back_in_the_stats() {
    let scratch = Scratch::new("limits", Some(&limits()));
    assert_eq!(scratch.file("pids", "pids.max"), "77");
    let stats = scratch.0.stats().unwrap();
    assert_eq!(stats.memory.limit, 64 << 20);
    assert_eq!(
        stats.pids,
        PidsStats {
            current: 0,
            limit: 77
        }
    );
    if scratch.0.version() == Version::V1 {
        assert_eq!(scratch.file("cpu", "cpu.shares"), "512");
        assert_eq!(scratch.file("cpu", "cpu.cfs_quota_us"), "50000");
        let devices = scratch.file("devices", "devices.list");
        assert!(devices.contains("c 1:3 rwm"), "{devices}");
        assert!(!devices.contains("a *:*"), "{devices}");
    }
}

#[test]
fn memory_goes_up_and_down_with_swap() {
    let scratch = Scratch::new("memory", None);
    for (limit, swap) in [
        (32 << 20, 64 << 20),
        (128 << 20, 256 << 20),
        (16 << 20, 16 << 20),
    ] {
        let mut memory = LinuxMemory::default();
        memory.set_limit(Some(limit)).set_swap(Some(swap));
        let mut resources = LinuxResources::default();
        resources.set_memory(Some(memory)).set_devices(None);
        scratch.0.update(&resources).unwrap();
        assert_eq!(
            scratch.0.stats().unwrap().memory.limit,
            limit.cast_unsigned()
        );
    }
}

#[test]
fn a_path_may_not_leave_the_hierarchy() {
    for path in ["", "relative", "/", "/a/../b", "/.."] {
        assert!(
            matches!(Cgroup::open(Path::new(path)), Err(CgroupError::Path(_))),
            "{path}"
        );
    }
}

#[test]
fn deleting_takes_children_along_and_may_be_repeated() {
    let scratch = Scratch::new("nested", None);
    let child = Cgroup::create(&scratch.0.path().join("a/b"), None).unwrap();
    assert!(child.exists());
    scratch.0.delete().unwrap();
    assert!(!scratch.0.exists());
    scratch.0.delete().unwrap();
}

#[test]
fn shares_become_weights() {
    assert_eq!(v2::weight_from_shares(2), 1);
    assert_eq!(v2::weight_from_shares(1024), 39);
    assert_eq!(v2::weight_from_shares(262_144), 10_000);
}

/// The unified hierarchy alone. In the hybrid layout it has hardly a controller, but what belongs to no
/// controller works: processes, freezing, device programs.
fn on_v2(name: &str) -> Option<Scratch> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let line = mounts
        .lines()
        .find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    let root = line.split(' ').nth(1).unwrap();
    let layout = Layout {
        version: Version::V2,
        v1: Vec::new(),
        unified: Some(root.into()),
    };
    let path = format!("/lockgate-test-{}-{name}", std::process::id());
    let cgroup = Cgroup {
        layout: Box::leak(Box::new(layout)),
        path: path.into(),
    };
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(crate::spec::default_device_rules()));
    cgroup.make(Some(&resources)).unwrap();
    Some(Scratch(cgroup))
}

#[test]
fn on_v2_a_process_is_confined_to_its_devices_frozen_and_thawed() {
    let scratch = on_v2("process").expect("a cgroup2 file system");
    let script = format!(
        "echo $$ > {}/cgroup.procs; head -c 1 /dev/zero > /dev/null && echo ok; \
         head -c 1 /dev/loop-control; head -c 1 /dev/kmsg; echo done; exec sleep 100",
        scratch.0.unified().display()
    );
    let mut child = std::process::Command::new("sh")
        .args(["-c", &script])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut lines = io::BufReader::new(child.stdout.take().unwrap());
    while !text.ends_with("done\n") {
        assert!(
            io::BufRead::read_line(&mut lines, &mut text).unwrap() > 0,
            "{text}"
        );
    }
    assert_eq!(text, "ok\ndone\n");
    let pid = i32::try_from(child.id()).unwrap();
    assert_eq!(scratch.0.procs().unwrap(), [pid]);
    scratch.0.freeze().unwrap();
    assert!(scratch.0.is_frozen());
    scratch.0.thaw().unwrap();
    assert!(!scratch.0.is_frozen());
    child.kill().unwrap();
    child.wait().unwrap();
    let mut errors = String::new();
    io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
    assert_eq!(
        errors.matches("Operation not permitted").count(),
        2,
        "{errors}"
    );
    scratch.0.stats().unwrap();
}
