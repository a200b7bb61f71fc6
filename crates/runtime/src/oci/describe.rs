//! `spec`, `features` and the version.

use oci_spec::runtime::{
    Capability, Linux, LinuxCapabilities, LinuxNamespaceType, LinuxResources, Process, Root, Spec,
};
use serde_json::json;

use super::args::{Args, Option as Flag};
use super::{OciError, failed, say};
use crate::spec;

/// `spec [--bundle DIR]`: writes a `config.json` to begin with.
pub(super) fn spec(mut args: Args) -> Result<u8, OciError> {
    let mut bundle = std::path::PathBuf::from(".");
    while let Some(flag) = args.flag(&[Flag::with_value("bundle", Some('b'))])? {
        bundle = flag.value.unwrap_or_default().into();
    }
    let path = bundle.join(spec::CONFIG_FILE);
    if path.exists() {
        return Err(failed(path.display().to_string())(std::io::Error::from(
            std::io::ErrorKind::AlreadyExists,
        )));
    }
    let text = serde_json::to_string_pretty(&example()).map_err(failed("spec"))?;
    std::fs::write(&path, text).map_err(failed(path.display().to_string()))?;
    Ok(0)
}

/// `features`: what this runtime can do, in the specification's words.
pub(super) fn features() -> Result<u8, OciError> {
    let capabilities: Vec<String> = crate::capability::ALL
        .iter()
        .map(|(capability, _)| format!("CAP_{capability}"))
        .collect();
    let value = json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": "1.2.0",
        "mountOptions": MOUNT_OPTIONS.as_slice(),
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"],
            "capabilities": capabilities,
            "cgroup": { "v1": true, "v2": true, "systemd": false, "systemdUser": false },
            "seccomp": {
                "enabled": true,
                "actions": ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
                    "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
                    "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"],
                "operators": ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
                    "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"],
                "archs": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32",
                    "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"],
            },
            "apparmor": { "enabled": true },
            "selinux": { "enabled": false },
        },
    });
    let text = serde_json::to_string_pretty(&value).map_err(failed("features"))?;
    Ok(say(&text, 0))
}

pub(super) fn version() -> String {
    format!(
        "lockgate-oci version {}\nspec: 1.2.0",
        env!("CARGO_PKG_VERSION")
    )
}

fn example() -> Spec {
    let capabilities = [
        Capability::AuditWrite,
        Capability::Kill,
        Capability::NetBindService,
    ];
    let capabilities: oci_spec::runtime::Capabilities = capabilities.into_iter().collect();
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(Some(capabilities.clone()))
        .set_effective(Some(capabilities.clone()))
        .set_permitted(Some(capabilities))
        .set_inheritable(None)
        .set_ambient(None);
    let mut process = Process::default();
    process
        .set_terminal(Some(true))
        .set_capabilities(Some(sets));
    let mut root = Root::default();
    root.set_path("rootfs".into()).set_readonly(Some(true));
    let namespaces = [
        LinuxNamespaceType::Pid,
        LinuxNamespaceType::Network,
        LinuxNamespaceType::Ipc,
        LinuxNamespaceType::Uts,
        LinuxNamespaceType::Mount,
        LinuxNamespaceType::Cgroup,
    ];
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(spec::default_device_rules()));
    let mut linux = Linux::default();
    linux
        .set_namespaces(Some(
            namespaces.map(|kind| spec::namespace(kind, None)).to_vec(),
        ))
        .set_masked_paths(Some(spec::masked_paths()))
        .set_readonly_paths(Some(spec::readonly_paths()))
        .set_resources(Some(resources));
    let mut example = Spec::default();
    example
        .set_version("1.0.2".to_owned())
        .set_root(Some(root))
        .set_process(Some(process))
        .set_hostname(Some("lockgate".to_owned()))
        .set_mounts(Some(spec::default_mounts(Some(64 << 20), false)))
        .set_linux(Some(linux));
    example
}

const MOUNT_OPTIONS: [&str; 37] = [
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "nosuid",
    "nosymfollow",
    "private",
    "rbind",
    "relatime",
    "rdev",
    "rexec",
    "rnoatime",
    "rnodev",
    "rnoexec",
    "rnosuid",
    "ro",
    "rprivate",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "rsuid",
    "rw",
    "shared",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "unbindable",
];
