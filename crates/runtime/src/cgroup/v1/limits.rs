//! Limits on cgroup v1.

use std::path::Path;

use oci_spec::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxDeviceCgroup, LinuxMemory, LinuxPids, LinuxResources,
    LinuxThrottleDevice,
};

use super::super::{Cgroup, CgroupError, file};

/// Writes the limits that are named.
pub(in super::super) fn apply(
    cgroup: &Cgroup,
    resources: &LinuxResources,
) -> Result<(), CgroupError> {
    let within = |controller: &'static str| {
        cgroup
            .controller(controller)
            .ok_or(CgroupError::Unsupported(controller))
    };
    if let Some(memory) = resources.memory() {
        apply_memory(&within("memory")?, memory)?;
    }
    if let Some(cpu) = resources.cpu() {
        apply_cpu(cgroup, cpu)?;
    }
    if let Some(limit) = resources
        .pids()
        .as_ref()
        .map(LinuxPids::limit)
        .filter(|l| *l != 0)
    {
        let text = if limit < 0 {
            "max".to_owned()
        } else {
            limit.to_string()
        };
        file::write(&within("pids")?, "pids.max", &text)?;
    }
    if let Some(blkio) = resources.block_io() {
        apply_blkio(&within("blkio")?, blkio)?;
    }
    for limit in resources.hugepage_limits().iter().flatten() {
        let name = format!("hugetlb.{}.limit_in_bytes", limit.page_size());
        file::write(&within("hugetlb")?, &name, &limit.limit().to_string())?;
    }
    if let Some(network) = resources.network() {
        if let Some(class) = network.class_id().filter(|class| *class != 0) {
            file::write(&within("net_cls")?, "net_cls.classid", &class.to_string())?;
        }
        for priority in network.priorities().iter().flatten() {
            let line = format!("{} {}", priority.name(), priority.priority());
            file::write(&within("net_prio")?, "net_prio.ifpriomap", &line)?;
        }
    }
    if resources
        .unified()
        .as_ref()
        .is_some_and(|unified| !unified.is_empty())
    {
        return Err(CgroupError::Unsupported("unified (cgroup v2 files)"));
    }
    if let Some(rules) = resources
        .devices()
        .as_deref()
        .filter(|rules| !rules.is_empty())
    {
        apply_devices(&within("devices")?, rules)?;
    }
    Ok(())
}

fn apply_memory(directory: &Path, memory: &LinuxMemory) -> Result<(), CgroupError> {
    const LIMIT: &str = "memory.limit_in_bytes";
    const WITH_SWAP: &str = "memory.memsw.limit_in_bytes";
    // Without swap accounting there is no such file; then memory alone is limited.
    let swap = memory
        .swap()
        .filter(|s| *s != 0 && directory.join(WITH_SWAP).exists());
    match (memory.limit().filter(|l| *l != 0), swap) {
        (Some(limit), Some(swap)) => {
            // The kernel insists on memory <= memory and swap after each step.
            let current = file::read_number(directory, LIMIT)?.unwrap_or(u64::MAX);
            let raise = swap < 0 || u64::try_from(swap).is_ok_and(|swap| current < swap);
            let steps = [(LIMIT, limit), (WITH_SWAP, swap)];
            let order = if raise { [steps[1], steps[0]] } else { steps };
            for (name, value) in order {
                file::write(directory, name, &value.to_string())?;
            }
        }
        (Some(limit), None) => file::write(directory, LIMIT, &limit.to_string())?,
        (None, Some(swap)) => file::write(directory, WITH_SWAP, &swap.to_string())?,
        (None, None) => {}
    }
    file::write_some(
        directory,
        "memory.soft_limit_in_bytes",
        memory.reservation().filter(|r| *r != 0),
    )?;
    file::write_some(
        directory,
        "memory.kmem.tcp.limit_in_bytes",
        memory.kernel_tcp(),
    )?;
    file::write_some(
        directory,
        "memory.swappiness",
        memory.swappiness().filter(|s| *s <= 100),
    )?;
    if memory.disable_oom_killer() == Some(true) {
        file::write(directory, "memory.oom_control", "1")?;
    }
    Ok(())
}

fn apply_cpu(cgroup: &Cgroup, cpu: &LinuxCpu) -> Result<(), CgroupError> {
    check_shares(cpu.shares().unwrap_or(0))?;
    let numbers = [
        (
            "cpu.shares",
            cpu.shares().map(|n| n.to_string()).filter(|n| n != "0"),
        ),
        (
            "cpu.cfs_period_us",
            cpu.period().map(|n| n.to_string()).filter(|n| n != "0"),
        ),
        (
            "cpu.cfs_quota_us",
            cpu.quota().map(|n| n.to_string()).filter(|n| n != "0"),
        ),
        ("cpu.cfs_burst_us", cpu.burst().map(|n| n.to_string())),
        (
            "cpu.rt_period_us",
            cpu.realtime_period()
                .map(|n| n.to_string())
                .filter(|n| n != "0"),
        ),
        (
            "cpu.rt_runtime_us",
            cpu.realtime_runtime()
                .map(|n| n.to_string())
                .filter(|n| n != "0"),
        ),
        ("cpu.idle", cpu.idle().map(|n| n.to_string())),
    ];
    if numbers.iter().any(|(_, value)| value.is_some()) {
        let directory = cgroup
            .controller("cpu")
            .ok_or(CgroupError::Unsupported("cpu"))?;
        for (name, value) in numbers {
            file::write_some(&directory, name, value)?;
        }
    }
    let sets = [("cpuset.cpus", cpu.cpus()), ("cpuset.mems", cpu.mems())];
    for (name, value) in sets {
        let Some(value) = value.as_ref().filter(|v| !v.is_empty()) else {
            continue;
        };
        let directory = cgroup
            .controller("cpuset")
            .ok_or(CgroupError::Unsupported("cpuset"))?;
        file::write(&directory, name, value)?;
    }
    Ok(())
}

/// The kernel's own bounds, to which it would silently cut.
fn check_shares(shares: u64) -> Result<(), CgroupError> {
    const BOUNDS: (u64, u64) = (2, 262_144);
    let failed = |bound, limit| Err(CgroupError::Shares { bound, limit });
    match shares {
        1 => failed("minimum", BOUNDS.0),
        more if more > BOUNDS.1 => failed("maximum", BOUNDS.1),
        _ => Ok(()),
    }
}

fn apply_blkio(directory: &Path, blkio: &LinuxBlockIo) -> Result<(), CgroupError> {
    let bfq = directory.join("blkio.bfq.weight").exists();
    let (weight, device) = if bfq {
        ("blkio.bfq.weight", "blkio.bfq.weight_device")
    } else {
        ("blkio.weight", "blkio.weight_device")
    };
    file::write_some(directory, weight, blkio.weight().filter(|w| *w != 0))?;
    for entry in blkio.weight_device().iter().flatten() {
        let line = format!(
            "{}:{} {}",
            entry.major(),
            entry.minor(),
            entry.weight().unwrap_or(0)
        );
        file::write(directory, device, &line)?;
    }
    let lists: [(&str, &Option<Vec<LinuxThrottleDevice>>); 4] = [
        (
            "blkio.throttle.read_bps_device",
            blkio.throttle_read_bps_device(),
        ),
        (
            "blkio.throttle.write_bps_device",
            blkio.throttle_write_bps_device(),
        ),
        (
            "blkio.throttle.read_iops_device",
            blkio.throttle_read_iops_device(),
        ),
        (
            "blkio.throttle.write_iops_device",
            blkio.throttle_write_iops_device(),
        ),
    ];
    for (name, list) in lists {
        for entry in list.iter().flatten() {
            let line = format!("{}:{} {}", entry.major(), entry.minor(), entry.rate());
            file::write(directory, name, &line)?;
        }
    }
    Ok(())
}

fn apply_devices(directory: &Path, rules: &[LinuxDeviceCgroup]) -> Result<(), CgroupError> {
    for rule in rules {
        let name = if rule.allow() {
            "devices.allow"
        } else {
            "devices.deny"
        };
        file::write(directory, name, &device_line(rule))?;
    }
    Ok(())
}

/// A rule as the kernel reads it, `a` or `c 1:* rwm`.
fn device_line(rule: &LinuxDeviceCgroup) -> String {
    let number = |n: Option<i64>| {
        n.filter(|n| *n >= 0)
            .map_or_else(|| "*".to_owned(), |n| n.to_string())
    };
    let kind = rule.typ().unwrap_or_default();
    if kind.as_str() == "a" {
        // The kernel reads no more than the letter; access is always everything.
        return "a".to_owned();
    }
    let access = rule
        .access()
        .as_deref()
        .filter(|a| !a.is_empty())
        .unwrap_or("rwm");
    format!(
        "{} {}:{} {access}",
        kind.as_str(),
        number(rule.major()),
        number(rule.minor())
    )
}
