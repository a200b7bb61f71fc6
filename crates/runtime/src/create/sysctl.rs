//! Which kernel parameters a container may set: those that are its own.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{CreateError, Namespaces};

/// Refuses parameters that are the host's, with runc's sentences. Before anything is made.
pub(super) fn check(spec: &Spec, namespaces: &Namespaces) -> Result<(), CreateError> {
    let sysctls = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.sysctl().as_ref());
    let mut names: Vec<&String> = sysctls
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    for name in names {
        if let Some(reason) = refusal(name, |kind| namespaces.separate(kind)) {
            let name = name.clone();
            return Err(CreateError::Sysctl { name, reason });
        }
    }
    Ok(())
}

/// Why a parameter cannot be set in a container with these namespaces of its own.
fn refusal(name: &str, own: impl Fn(LinuxNamespaceType) -> bool) -> Option<&'static str> {
    let dotted = name.replace('/', ".");
    let (kind, reason) = if dotted.starts_with("net.") {
        (
            LinuxNamespaceType::Network,
            "not allowed in host network namespace",
        )
    } else if IPC.contains(&dotted.as_str()) || dotted.starts_with("fs.mqueue.") {
        (
            LinuxNamespaceType::Ipc,
            "is not allowed in the hosts ipc namespace",
        )
    } else if dotted == "kernel.domainname" {
        (LinuxNamespaceType::Uts, ELSEWHERE)
    } else if dotted == "kernel.hostname" {
        return Some("is not allowed as it conflicts with the OCI \"hostname\" field");
    } else if dotted.starts_with("user.") {
        (LinuxNamespaceType::User, ELSEWHERE)
    } else {
        return Some(ELSEWHERE);
    };
    (!own(kind)).then_some(reason)
}

const ELSEWHERE: &str = "is not in a separate kernel namespace";

const IPC: [&str; 10] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg_next_id",
    "kernel.sem_next_id",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_sets_what_is_its_own() {
        for (name, shared, reason) in [
            ("net.ipv4.ip_forward", None, None),
            (
                "net/ipv4/ip_forward",
                Some(LinuxNamespaceType::Network),
                Some("not allowed in host network namespace"),
            ),
            ("kernel.shmmax", None, None),
            (
                "kernel.shmmax",
                Some(LinuxNamespaceType::Ipc),
                Some("is not allowed in the hosts ipc namespace"),
            ),
            (
                "kernel.domainname",
                Some(LinuxNamespaceType::Uts),
                Some(ELSEWHERE),
            ),
            (
                "kernel.hostname",
                None,
                Some("is not allowed as it conflicts with the OCI \"hostname\" field"),
            ),
            ("vm.swappiness", None, Some(ELSEWHERE)),
            ("kernel.core_pattern", None, Some(ELSEWHERE)),
        ] {
            assert_eq!(refusal(name, |kind| Some(kind) != shared), reason, "{name}");
        }
    }
}
