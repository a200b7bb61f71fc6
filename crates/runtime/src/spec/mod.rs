//! What a container gets when nobody says otherwise, in terms of the OCI specification.
//!
//! The engine builds a `Spec` from these parts; the tables are Docker's defaults.

pub(crate) mod document;
mod scheduler;
pub mod seccomp;

use std::path::{Path, PathBuf};

use oci_spec::runtime::{
    Capability, LinuxDeviceCgroup, LinuxDeviceType, LinuxNamespace, LinuxNamespaceType, Mount,
};

/// Name of the specification's file in a bundle.
pub const CONFIG_FILE: &str = "config.json";
/// The `PATH` of a process whose environment names none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The capabilities of a container that asks for none in particular.
pub fn default_capabilities() -> Vec<Capability> {
    DEFAULT_CAPABILITIES.to_vec()
}

/// Every capability that this process may hand out (its bounding set), for privileged containers.
pub fn all_capabilities() -> Vec<Capability> {
    crate::capability::bounding_set()
}

/// Paths of `/proc` and `/sys` that a container must not read.
pub fn masked_paths() -> Vec<String> {
    MASKED_PATHS.map(str::to_owned).to_vec()
}

/// Paths of `/proc` that a container must not write.
pub fn readonly_paths() -> Vec<String> {
    READONLY_PATHS.map(str::to_owned).to_vec()
}

/// A mount by its four fields.
pub fn mount(destination: &str, kind: &str, source: &str, options: &[&str]) -> Mount {
    let mut mount = Mount::default();
    mount
        .set_destination(PathBuf::from(destination))
        .set_typ(Some(kind.to_owned()))
        .set_source(Some(PathBuf::from(source)))
        .set_options(Some(options.iter().map(|&o| o.to_owned()).collect()));
    mount
}

/// A bind mount of a host path; `options` are added to `rbind`, such as `ro` or `rprivate`.
pub fn bind_mount(source: &Path, destination: &Path, options: &[&str]) -> Mount {
    let all = std::iter::once("rbind").chain(options.iter().copied());
    let mut mount = Mount::default();
    mount
        .set_destination(destination.to_owned())
        .set_typ(Some("bind".to_owned()))
        .set_source(Some(source.to_owned()))
        .set_options(Some(all.map(str::to_owned).collect()));
    mount
}

/// Debian's group `tty`, and everybody's.
const TTY: u32 = 5;

/// The mounts of every container, in the order in which they are made.
///
/// A privileged container (`writable_kernel`) gets `/sys` and the cgroups writable. `shm_size` is that of
/// `/dev/shm` in bytes; `None` leaves it out (another container's is mounted instead).
pub fn default_mounts(shm_size: Option<u64>, writable_kernel: bool) -> Vec<Mount> {
    let access = if writable_kernel { "rw" } else { "ro" };
    let mut mounts = vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount(
            "/dev",
            "tmpfs",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                // The group of terminals; a user namespace of one id has none.
                if lockgate_sys::userns::has_group(TTY) {
                    "gid=5"
                } else {
                    "gid=0"
                },
            ],
        ),
        mount(
            "/sys",
            "sysfs",
            "sysfs",
            &["nosuid", "noexec", "nodev", access],
        ),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            "cgroup",
            &[access, "nosuid", "noexec", "nodev"],
        ),
        mount(
            "/dev/mqueue",
            "mqueue",
            "mqueue",
            &["nosuid", "noexec", "nodev"],
        ),
    ];
    if let Some(size) = shm_size {
        let size = format!("size={size}");
        let options = ["nosuid", "noexec", "nodev", "mode=1777", size.as_str()];
        mounts.push(mount("/dev/shm", "tmpfs", "shm", &options));
    }
    mounts
}

/// A namespace that is made anew, or joined if there is a path.
pub fn namespace(kind: LinuxNamespaceType, path: Option<PathBuf>) -> LinuxNamespace {
    let mut namespace = LinuxNamespace::default();
    namespace.set_typ(kind).set_path(path);
    namespace
}

/// The device cgroup of an unprivileged container: everything denied but making nodes, and the
/// devices that are always there.
pub fn default_device_rules() -> Vec<LinuxDeviceCgroup> {
    let mut rules = vec![device_rule(false, LinuxDeviceType::A, None, None, "rwm")];
    rules.extend(
        DEVICE_RULES
            .iter()
            .map(|&(kind, major, minor, access)| device_rule(true, kind, major, minor, access)),
    );
    rules
}

/// One rule of the device cgroup; no number means all of them.
pub fn device_rule(
    allow: bool,
    kind: LinuxDeviceType,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroup::default();
    rule.set_allow(allow)
        .set_typ(Some(kind))
        .set_major(major)
        .set_minor(minor)
        .set_access(Some(access.to_owned()));
    rule
}

const DEFAULT_CAPABILITIES: [Capability; 14] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fsetid,
    Capability::Fowner,
    Capability::Mknod,
    Capability::NetRaw,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setfcap,
    Capability::Setpcap,
    Capability::NetBindService,
    Capability::SysChroot,
    Capability::Kill,
    Capability::AuditWrite,
];

const MASKED_PATHS: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

const READONLY_PATHS: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// Type, major, minor, access of what a container may always do.
const DEVICE_RULES: [(LinuxDeviceType, Option<i64>, Option<i64>, &str); 11] = [
    (LinuxDeviceType::C, None, None, "m"),
    (LinuxDeviceType::B, None, None, "m"),
    (LinuxDeviceType::C, Some(1), Some(3), "rwm"), // /dev/null
    (LinuxDeviceType::C, Some(1), Some(5), "rwm"), // /dev/zero
    (LinuxDeviceType::C, Some(1), Some(7), "rwm"), // /dev/full
    (LinuxDeviceType::C, Some(1), Some(8), "rwm"), // /dev/random
    (LinuxDeviceType::C, Some(1), Some(9), "rwm"), // /dev/urandom
    (LinuxDeviceType::C, Some(5), Some(0), "rwm"), // /dev/tty
    (LinuxDeviceType::C, Some(5), Some(1), "rwm"), // /dev/console
    (LinuxDeviceType::C, Some(5), Some(2), "rwm"), // /dev/ptmx
    (LinuxDeviceType::C, Some(136), None, "rwm"),  // /dev/pts/*
];
