//! `spec`, `features` and the version.

use oci_spec::runtime::{
    Capability, Linux, LinuxCapabilities, LinuxIdMapping, LinuxNamespaceType, LinuxResources,
    Process, Root, Spec,
};
use serde_json::json;

use super::args::{Args, Option as Flag};
use super::{OciError, failed, say};
use crate::spec;

/// `spec [--bundle DIR] [--rootless]`: writes a `config.json` to begin with.
pub(super) fn spec(mut args: Args) -> Result<u8, OciError> {
    let mut bundle = std::path::PathBuf::from(".");
    let mut example = example();
    let known = [
        Flag::with_value("bundle", Some('b')),
        Flag::plain("rootless", None),
    ];
    while let Some(flag) = args.flag(&known)? {
        match flag.value {
            Some(value) => bundle = value.into(),
            None => make_rootless(&mut example),
        }
    }
    let path = bundle.join(spec::CONFIG_FILE);
    if path.exists() {
        return Err(failed(path.display().to_string())(std::io::Error::from(
            std::io::ErrorKind::AlreadyExists,
        )));
    }
    let text = serde_json::to_string_pretty(&example).map_err(failed("spec"))?;
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
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart",
            "poststop"],
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

/// Changes a specification into one for a user who is not root: a user namespace in which that user is
/// root, and nothing that only the host's root may do.
fn make_rootless(spec: &mut Spec) {
    let mapping = |host_id: u32| {
        // The type has no setters; this is the specification's form.
        let one = json!([{ "containerID": 0, "hostID": host_id, "size": 1 }]);
        serde_json::from_value::<Vec<LinuxIdMapping>>(one).ok()
    };
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    if let Some(linux) = spec.linux_mut() {
        let mut namespaces = linux.namespaces().clone().unwrap_or_default();
        namespaces.retain(|n| n.typ() != LinuxNamespaceType::Network);
        namespaces.push(spec::namespace(LinuxNamespaceType::User, None));
        linux
            .set_namespaces(Some(namespaces))
            .set_resources(None)
            .set_uid_mappings(mapping(uid))
            .set_gid_mappings(mapping(gid));
    }
    for mount in spec.mounts_mut().iter_mut().flatten() {
        let mut options = mount.options().clone().unwrap_or_default();
        // A group that is not mapped cannot own anything.
        options.retain(|option| !option.starts_with("gid="));
        if mount.destination() == std::path::Path::new("/sys") {
            // Only who owns the network namespace may mount a new one.
            options.insert(0, "rbind".to_owned());
            mount
                .set_source(Some("/sys".into()))
                .set_typ(Some("none".to_owned()));
        }
        mount.set_options(Some(options));
    }
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
