//! What `docker info` warns of, in dockerd's words.

use crate::host::HostFacts;

/// What this host cannot do that others can; `None` if there is nothing.
pub(super) fn of(host: &HostFacts) -> Option<Vec<String>> {
    let mut warnings = Vec::new();
    let limits = host.limits;
    if host.has_cgroups {
        let v1 = host.is_cgroup_v1;
        let missing = [
            (limits.memory, "memory limit"),
            (limits.swap, "swap limit"),
            (limits.kernel_memory_tcp || !v1, "kernel memory TCP limit"),
            (limits.oom_kill_disable || !v1, "oom kill disable"),
            (limits.cfs, "cpu cfs quota"),
            (limits.cfs, "cpu cfs period"),
            (limits.shares, "cpu shares"),
            (limits.cpuset, "cpuset"),
        ];
        let missing = missing.iter().filter(|(there, _)| !there);
        warnings.extend(missing.map(|(_, what)| format!("WARNING: No {what} support")));
    } else {
        let how = if host.is_cgroup_v1 {
            "To enable cgroups in rootless-mode, you need to boot the system in cgroup v2 mode."
        } else {
            "Systemd is required to enable cgroups in rootless-mode."
        };
        warnings.push(format!(
            "WARNING: Running in rootless-mode without cgroups. {how}"
        ));
    }
    (!warnings.is_empty()).then_some(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn host(is_cgroup_v1: bool, has_cgroups: bool, limits: Limits) -> HostFacts {
        HostFacts {
            is_cgroup_v1,
            has_cgroups,
            limits,
            boot_id: String::new(),
        }
    }

    #[test]
    fn a_host_that_can_all_is_warned_of_nothing() {
        assert_eq!(of(&host(true, true, Limits::ALL)), None);
    }

    #[test]
    fn what_cannot_be_limited_is_said_in_dockers_words() {
        let limits = Limits {
            cpuset: false,
            kernel_memory_tcp: false,
            ..Limits::ALL
        };
        let of = |v1, limits| of(&host(v1, true, limits)).unwrap();
        assert_eq!(of(false, limits), ["WARNING: No cpuset support"]);
        assert_eq!(of(true, limits).len(), 2);
    }

    #[test]
    fn without_cgroups_the_way_to_them_is_told() {
        let text = |v1| of(&host(v1, false, Limits::default())).unwrap().concat();
        assert!(text(true).contains("cgroup v2 mode"));
        assert!(text(false).contains("Systemd is required"));
    }
}
