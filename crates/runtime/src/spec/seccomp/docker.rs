//! Docker's profile format: rules that hold only for some architectures, capabilities or kernels.

use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag,
    LinuxSyscall,
};
use serde::Deserialize;

use super::ProfileError;

pub(super) fn parse(
    json: &[u8],
    capabilities: &[Capability],
) -> Result<LinuxSeccomp, ProfileError> {
    let profile: Profile = serde_json::from_slice(json)?;
    let architectures = architectures(&profile)?;
    let mut rules = Vec::new();
    for rule in profile.syscalls {
        if !rule.includes.holds(capabilities)? || rule.excludes.forbids(capabilities)? {
            continue;
        }
        let names = match (rule.name.filter(|n| !n.is_empty()), rule.names) {
            (Some(_), names) if !names.is_empty() => return Err(ProfileError::BothNames),
            (Some(name), _) => vec![name],
            (None, names) => names,
        };
        let mut resolved = LinuxSyscall::default();
        resolved
            .set_names(names)
            .set_action(rule.action)
            .set_errno_ret(rule.errno_ret);
        resolved.set_args(rule.args.filter(|args| !args.is_empty()));
        rules.push(resolved);
    }
    let mut resolved = LinuxSeccomp::default();
    resolved
        .set_default_action(profile.default_action)
        .set_default_errno_ret(profile.default_errno_ret)
        .set_architectures(Some(architectures))
        .set_flags(profile.flags)
        .set_syscalls(Some(rules));
    Ok(resolved)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: LinuxSeccompAction,
    default_errno_ret: Option<u32>,
    #[serde(default)]
    architectures: Vec<Arch>,
    #[serde(default)]
    arch_map: Vec<ArchEntry>,
    flags: Option<Vec<LinuxSeccompFilterFlag>>,
    #[serde(default)]
    syscalls: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchEntry {
    architecture: Arch,
    sub_architectures: Option<Vec<Arch>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    action: LinuxSeccompAction,
    errno_ret: Option<u32>,
    args: Option<Vec<LinuxSeccompArg>>,
    #[serde(default)]
    includes: Filter,
    #[serde(default)]
    excludes: Filter,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    caps: Vec<String>,
    arches: Vec<String>,
    min_kernel: Option<String>,
}

impl Filter {
    /// As `includes`: everything that is named must be there.
    fn holds(&self, capabilities: &[Capability]) -> Result<bool, ProfileError> {
        Ok(
            (self.arches.is_empty() || self.arches.iter().any(|a| a == GO_ARCH))
                && self.caps.iter().all(|cap| has(capabilities, cap))
                && self
                    .min_kernel
                    .as_deref()
                    .map_or(Ok(true), kernel_is_at_least)?,
        )
    }

    /// As `excludes`: anything that is named and there forbids.
    fn forbids(&self, capabilities: &[Capability]) -> Result<bool, ProfileError> {
        Ok(self.arches.iter().any(|a| a == GO_ARCH)
            || self.caps.iter().any(|cap| has(capabilities, cap))
            || self
                .min_kernel
                .as_deref()
                .map_or(Ok(false), kernel_is_at_least)?)
    }
}

fn has(capabilities: &[Capability], name: &str) -> bool {
    capabilities
        .iter()
        .any(|capability| format!("CAP_{capability}") == name)
}

fn architectures(profile: &Profile) -> Result<Vec<Arch>, ProfileError> {
    if !profile.architectures.is_empty() {
        if !profile.arch_map.is_empty() {
            return Err(ProfileError::BothArchitectures);
        }
        return Ok(profile.architectures.clone());
    }
    let native = super::machine_architectures();
    let entry = profile
        .arch_map
        .iter()
        .find(|entry| Some(&entry.architecture) == native.first());
    Ok(entry.map_or_else(Vec::new, |entry| {
        let mut list = vec![entry.architecture];
        list.extend(entry.sub_architectures.iter().flatten());
        list
    }))
}

/// Compares `major.minor` with the running kernel.
fn kernel_is_at_least(wanted: &str) -> Result<bool, ProfileError> {
    let wrong = || ProfileError::KernelVersion(wanted.to_owned());
    let wanted = version(wanted).ok_or_else(wrong)?;
    let running = rustix::system::uname();
    Ok(running
        .release()
        .to_str()
        .ok()
        .and_then(version)
        .is_none_or(|running| running >= wanted))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(target_arch = "x86_64")]
const GO_ARCH: &str = "amd64";
#[cfg(target_arch = "aarch64")]
const GO_ARCH: &str = "arm64";

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#"{
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "x"},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
             "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390x"]}},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["future"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
            {"names": ["riscv"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["riscv64"]}}]}"#;

    fn names(capabilities: &[Capability]) -> Vec<String> {
        let profile = parse(PROFILE.as_bytes(), capabilities).unwrap();
        profile
            .syscalls()
            .iter()
            .flatten()
            .flat_map(|rule| rule.names().clone())
            .collect()
    }

    #[test]
    fn rules_hold_where_they_are_meant_to() {
        assert_eq!(names(&[]), ["read", "clone3", "ptrace"]);
        assert_eq!(names(&[Capability::SysAdmin]), ["read", "mount", "ptrace"]);
    }

    #[test]
    fn contradictions_are_refused() {
        let both = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_KILL"}]}"#;
        assert!(matches!(
            parse(both.as_bytes(), &[]),
            Err(ProfileError::BothNames)
        ));
        assert!(matches!(parse(b"{}", &[]), Err(ProfileError::Json(_))));
    }
}
