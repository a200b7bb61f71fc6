//! Limits, priorities, user, groups and capabilities of a process, and its seccomp filter, in the one order that
//! works: what needs privilege comes before it is given up.

use oci_spec::runtime::{LinuxCapabilities, PosixRlimit, PosixRlimitType, Process};
use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

use super::error::{InitError, Step as _};
use super::schedule;
use crate::capability::to_set;
use crate::seccomp::Filter;

/// Changes this process into the user of `process`. A filter that needs privilege is installed here; the
/// caller installs it if `no_new_privileges` is set, as late as possible.
pub(super) fn assume(process: &Process, filter: Option<&Filter>) -> Result<(), InitError> {
    for limit in process.rlimits().iter().flatten() {
        set_limit(limit)?;
    }
    schedule::apply(process)?;
    let held = capabilities(None).step("capget")?.permitted;
    let wanted = Wanted::of(process.capabilities().as_ref(), held);
    drop_from_bounding_set(wanted.bounding)?;
    let no_new_privileges = process.no_new_privileges() == Some(true);
    set_keep_capabilities(true).step("prctl(PR_SET_KEEPCAPS)")?;
    change_user(process)?;
    set_keep_capabilities(false).step("prctl(PR_SET_KEEPCAPS)")?;
    if no_new_privileges {
        set_no_new_privs(true).step("prctl(PR_SET_NO_NEW_PRIVS)")?;
    } else if let Some(filter) = filter {
        // The change of user has cleared the effective set, not the permitted one.
        let all = CapabilitySets {
            effective: held,
            permitted: held,
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, all).step("capset")?;
        filter.install().step("loading the seccomp filter")?;
    }
    wanted.take()
}

/// The capability sets to end with, cut down to what this process may give.
struct Wanted {
    bounding: CapabilitySet,
    sets: CapabilitySets,
    ambient: CapabilitySet,
}

impl Wanted {
    fn of(capabilities: Option<&LinuxCapabilities>, held: CapabilitySet) -> Self {
        let set = |list: &Option<oci_spec::runtime::Capabilities>| to_set(list.as_ref()) & held;
        let none = CapabilitySet::empty();
        let Some(capabilities) = capabilities else {
            let sets = CapabilitySets {
                effective: none,
                permitted: none,
                inheritable: none,
            };
            return Self {
                bounding: none,
                sets,
                ambient: none,
            };
        };
        let sets = CapabilitySets {
            effective: set(capabilities.effective()),
            permitted: set(capabilities.permitted()),
            inheritable: set(capabilities.inheritable()),
        };
        Self {
            bounding: set(capabilities.bounding()),
            sets,
            ambient: set(capabilities.ambient()) & sets.permitted & sets.inheritable,
        }
    }

    fn take(&self) -> Result<(), InitError> {
        clear_ambient_capability_set().step("clearing ambient capabilities")?;
        let CapabilitySets {
            effective,
            permitted,
            inheritable,
        } = self.sets;
        let sets = CapabilitySets {
            effective: effective & permitted,
            permitted,
            inheritable,
        };
        set_capabilities(None, sets).step("capset")?;
        for bit in self.ambient.iter() {
            configure_capability_in_ambient_set(bit, true).step("raising an ambient capability")?;
        }
        Ok(())
    }
}

fn drop_from_bounding_set(keep: CapabilitySet) -> Result<(), InitError> {
    for number in 0..64 {
        let bit = CapabilitySet::from_bits_retain(1 << number);
        if keep.contains(bit) {
            continue;
        }
        match remove_capability_from_bounding_set(bit) {
            Ok(()) => {}
            // The first number that the kernel does not know.
            Err(Errno::INVAL) => return Ok(()),
            result => result.step("dropping a capability")?,
        }
    }
    Ok(())
}

fn change_user(process: &Process) -> Result<(), InitError> {
    let user = process.user();
    let groups = user.additional_gids().iter().flatten();
    let groups: Vec<Gid> = groups.map(|gid| Gid::from_raw(*gid)).collect();
    match set_thread_groups(&groups) {
        // A user namespace whose owner may not change groups; there is nothing to add then.
        Err(Errno::PERM) if groups.iter().all(|gid| gid.as_raw() == user.gid()) => {}
        result => result.step("setgroups")?,
    }
    let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.gid()));
    set_thread_res_gid(gid, gid, gid).step("setgid")?;
    set_thread_res_uid(uid, uid, uid).step("setuid")?;
    rustix::process::umask(Mode::from_raw_mode(user.umask().unwrap_or(0o022)));
    Ok(())
}

/// Sets a limit, or comes as near to it as this process may (without CAP_SYS_RESOURCE a hard limit
/// cannot be raised).
fn set_limit(limit: &PosixRlimit) -> Result<(), InitError> {
    let resource = resource(limit.typ());
    let value = |n: u64| (n != u64::MAX).then_some(n);
    let wanted = Rlimit {
        current: value(limit.soft()),
        maximum: value(limit.hard()),
    };
    let result = match setrlimit(resource, wanted) {
        Err(Errno::PERM) => {
            let hard = getrlimit(resource).maximum;
            let maximum = least(wanted.maximum, hard);
            setrlimit(
                resource,
                Rlimit {
                    current: least(wanted.current, maximum),
                    maximum,
                },
            )
        }
        result => result,
    };
    result.map_err(|error| InitError::Rlimit {
        name: limit.typ().to_string(),
        source: error.into(),
    })
}

/// `None` is infinity.
fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn resource(kind: PosixRlimitType) -> Resource {
    match kind {
        PosixRlimitType::RlimitCpu => Resource::Cpu,
        PosixRlimitType::RlimitFsize => Resource::Fsize,
        PosixRlimitType::RlimitData => Resource::Data,
        PosixRlimitType::RlimitStack => Resource::Stack,
        PosixRlimitType::RlimitCore => Resource::Core,
        PosixRlimitType::RlimitRss => Resource::Rss,
        PosixRlimitType::RlimitNproc => Resource::Nproc,
        PosixRlimitType::RlimitNofile => Resource::Nofile,
        PosixRlimitType::RlimitMemlock => Resource::Memlock,
        PosixRlimitType::RlimitAs => Resource::As,
        PosixRlimitType::RlimitLocks => Resource::Locks,
        PosixRlimitType::RlimitSigpending => Resource::Sigpending,
        PosixRlimitType::RlimitMsgqueue => Resource::Msgqueue,
        PosixRlimitType::RlimitNice => Resource::Nice,
        PosixRlimitType::RlimitRtprio => Resource::Rtprio,
        PosixRlimitType::RlimitRttime => Resource::Rttime,
    }
}
