//! Capabilities: between the specification's names and the kernel's numbers.

use oci_spec::runtime::{Capabilities, Capability};
use rustix::thread::CapabilitySet;

/// The capabilities of this process's bounding set.
pub(crate) fn bounding_set() -> Vec<Capability> {
    ALL.iter()
        .filter(|(_, set)| rustix::thread::capability_is_in_bounding_set(*set).unwrap_or(false))
        .map(|(capability, _)| *capability)
        .collect()
}

/// The kernel's set of named capabilities.
pub(crate) fn to_set(capabilities: Option<&Capabilities>) -> CapabilitySet {
    let Some(names) = capabilities else {
        return CapabilitySet::empty();
    };
    ALL.iter()
        .filter(|(capability, _)| names.contains(capability))
        .fold(CapabilitySet::empty(), |all, (_, set)| all | *set)
}

/// Every capability with its bit, in the kernel's order.
pub(crate) const ALL: [(Capability, CapabilitySet); 41] = [
    (Capability::Chown, CapabilitySet::CHOWN),
    (Capability::DacOverride, CapabilitySet::DAC_OVERRIDE),
    (Capability::DacReadSearch, CapabilitySet::DAC_READ_SEARCH),
    (Capability::Fowner, CapabilitySet::FOWNER),
    (Capability::Fsetid, CapabilitySet::FSETID),
    (Capability::Kill, CapabilitySet::KILL),
    (Capability::Setgid, CapabilitySet::SETGID),
    (Capability::Setuid, CapabilitySet::SETUID),
    (Capability::Setpcap, CapabilitySet::SETPCAP),
    (Capability::LinuxImmutable, CapabilitySet::LINUX_IMMUTABLE),
    (Capability::NetBindService, CapabilitySet::NET_BIND_SERVICE),
    (Capability::NetBroadcast, CapabilitySet::NET_BROADCAST),
    (Capability::NetAdmin, CapabilitySet::NET_ADMIN),
    (Capability::NetRaw, CapabilitySet::NET_RAW),
    (Capability::IpcLock, CapabilitySet::IPC_LOCK),
    (Capability::IpcOwner, CapabilitySet::IPC_OWNER),
    (Capability::SysModule, CapabilitySet::SYS_MODULE),
    (Capability::SysRawio, CapabilitySet::SYS_RAWIO),
    (Capability::SysChroot, CapabilitySet::SYS_CHROOT),
    (Capability::SysPtrace, CapabilitySet::SYS_PTRACE),
    (Capability::SysPacct, CapabilitySet::SYS_PACCT),
    (Capability::SysAdmin, CapabilitySet::SYS_ADMIN),
    (Capability::SysBoot, CapabilitySet::SYS_BOOT),
    (Capability::SysNice, CapabilitySet::SYS_NICE),
    (Capability::SysResource, CapabilitySet::SYS_RESOURCE),
    (Capability::SysTime, CapabilitySet::SYS_TIME),
    (Capability::SysTtyConfig, CapabilitySet::SYS_TTY_CONFIG),
    (Capability::Mknod, CapabilitySet::MKNOD),
    (Capability::Lease, CapabilitySet::LEASE),
    (Capability::AuditWrite, CapabilitySet::AUDIT_WRITE),
    (Capability::AuditControl, CapabilitySet::AUDIT_CONTROL),
    (Capability::Setfcap, CapabilitySet::SETFCAP),
    (Capability::MacOverride, CapabilitySet::MAC_OVERRIDE),
    (Capability::MacAdmin, CapabilitySet::MAC_ADMIN),
    (Capability::Syslog, CapabilitySet::SYSLOG),
    (Capability::WakeAlarm, CapabilitySet::WAKE_ALARM),
    (Capability::BlockSuspend, CapabilitySet::BLOCK_SUSPEND),
    (Capability::AuditRead, CapabilitySet::AUDIT_READ),
    (Capability::Perfmon, CapabilitySet::PERFMON),
    (Capability::Bpf, CapabilitySet::BPF),
    (
        Capability::CheckpointRestore,
        CapabilitySet::CHECKPOINT_RESTORE,
    ),
];
