//! Resource limits of processes (`ulimit`), within what this process may hand out.

use std::collections::BTreeMap;

use lockgate_types::container::Ulimit;
use oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};

/// The engine's defaults with the container's own on top. Without CAP_SYS_RESOURCE no limit can be
/// raised above this process's own, so it is lowered to that.
pub(super) fn build(defaults: &BTreeMap<String, Ulimit>, own: &[Ulimit]) -> Vec<PosixRlimit> {
    let mut all = defaults.clone();
    for limit in own {
        all.insert(limit.name.clone(), limit.clone());
    }
    let may_raise = may_raise();
    all.values()
        .filter_map(|limit| rlimit(limit, may_raise))
        .collect()
}

/// Says which limits are not as high as asked.
pub(super) fn warnings(own: &[Ulimit]) -> Vec<String> {
    if may_raise() {
        return Vec::new();
    }
    own.iter()
        .filter_map(|limit| {
            let got = rlimit(limit, false)?.hard();
            (got < bits(limit.hard)).then(|| {
                format!(
                    "The daemon may not raise the limit {} to {} (CAP_SYS_RESOURCE is missing); {got} is used.",
                    limit.name, limit.hard
                )
            })
        })
        .collect()
}

/// Whether this process may exceed its own limits for others.
pub(super) fn may_raise() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_RESOURCE))
}

fn rlimit(limit: &Ulimit, may_raise: bool) -> Option<PosixRlimit> {
    let (_, typ, resource) = *TYPES.iter().find(|(name, _, _)| *name == limit.name)?;
    // -1 is no limit.
    let (mut soft, mut hard) = (bits(limit.soft), bits(limit.hard));
    if !may_raise && let Some(most) = getrlimit(resource).maximum {
        hard = hard.min(most);
        soft = soft.min(hard);
    }
    PosixRlimitBuilder::default()
        .typ(typ)
        .hard(hard)
        .soft(soft)
        .build()
        .ok()
}

fn bits(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

const TYPES: [(&str, PosixRlimitType, Resource); 16] = [
    ("as", PosixRlimitType::RlimitAs, Resource::As),
    ("core", PosixRlimitType::RlimitCore, Resource::Core),
    ("cpu", PosixRlimitType::RlimitCpu, Resource::Cpu),
    ("data", PosixRlimitType::RlimitData, Resource::Data),
    ("fsize", PosixRlimitType::RlimitFsize, Resource::Fsize),
    ("locks", PosixRlimitType::RlimitLocks, Resource::Locks),
    ("memlock", PosixRlimitType::RlimitMemlock, Resource::Memlock),
    (
        "msgqueue",
        PosixRlimitType::RlimitMsgqueue,
        Resource::Msgqueue,
    ),
    ("nice", PosixRlimitType::RlimitNice, Resource::Nice),
    ("nofile", PosixRlimitType::RlimitNofile, Resource::Nofile),
    ("nproc", PosixRlimitType::RlimitNproc, Resource::Nproc),
    ("rss", PosixRlimitType::RlimitRss, Resource::Rss),
    ("rtprio", PosixRlimitType::RlimitRtprio, Resource::Rtprio),
    ("rttime", PosixRlimitType::RlimitRttime, Resource::Rttime),
    (
        "sigpending",
        PosixRlimitType::RlimitSigpending,
        Resource::Sigpending,
    ),
    ("stack", PosixRlimitType::RlimitStack, Resource::Stack),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_accepted_has_a_type() {
        for name in Ulimit::NAMES {
            assert!(TYPES.iter().any(|(known, _, _)| *known == name), "{name}");
        }
    }

    #[test]
    fn own_limits_replace_defaults() {
        let limit = |soft, hard| Ulimit {
            name: "nofile".to_owned(),
            soft,
            hard,
        };
        let defaults = BTreeMap::from([("nofile".to_owned(), limit(10, 20))]);
        let built = build(&defaults, &[limit(5, 6)]);
        assert_eq!(built.len(), 1);
        assert_eq!((built[0].soft(), built[0].hard()), (5, 6));
    }
}
