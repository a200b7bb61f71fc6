//! Seccomp profiles: the default one and those that users bring in Docker's JSON format.

mod docker;
mod table;

use lockgate_types::ErrorKind;
use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder,
    LinuxSeccompOperator, LinuxSyscall,
};

/// Why a seccomp profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is no profile.
    #[error("decoding seccomp profile failed: {0}")]
    Json(#[from] serde_json::Error),
    /// Two ways to name the architectures.
    #[error(
        "'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' or 'archMap'"
    )]
    BothArchitectures,
    /// Two ways to name the system calls.
    #[error(
        "'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'"
    )]
    BothNames,
    /// A kernel version that is none.
    #[error("invalid kernel version in the seccomp profile: {0}")]
    KernelVersion(String),
}

impl ProfileError {
    /// Whose fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Json(_) | Self::BothArchitectures | Self::BothNames | Self::KernelVersion(_) => {
                ErrorKind::InvalidInput
            }
        }
    }
}

/// The default profile, resolved for a container with these capabilities on this machine.
pub fn default_profile(capabilities: &[Capability]) -> LinuxSeccomp {
    let allow = LinuxSeccompAction::ScmpActAllow;
    let has = |capability: &Capability| capabilities.contains(capability);
    let mut names: Vec<&str> = table::ALWAYS.to_vec();
    names.extend(table::OF_THIS_MACHINE);
    for (capability, calls) in table::WITH_CAPABILITY {
        if has(capability) {
            names.extend(*calls);
        }
    }
    let mut rules = vec![rule(&names, allow, &[])];
    for persona in table::PERSONALITIES {
        rules.push(rule(
            &["personality"],
            allow,
            &[arg(persona, 0, &Compare::Equal)],
        ));
    }
    for (mask, family) in table::SOCKET_FAMILIES {
        let family = arg(mask, family, &Compare::Masked);
        rules.push(rule(&["socket"], allow, &[family]));
    }
    if !has(&Capability::SysAdmin) {
        let flags = arg(table::NAMESPACE_FLAGS, 0, &Compare::Masked);
        rules.push(rule(&["clone"], allow, &[flags]));
        let mut refused = rule(&["clone3"], LinuxSeccompAction::ScmpActErrno, &[]);
        // Not "forbidden" but "not there": then C libraries use clone, whose flags can be judged.
        refused.set_errno_ret(Some(ENOSYS));
        rules.push(refused);
    }
    let mut profile = LinuxSeccomp::default();
    profile
        .set_default_action(LinuxSeccompAction::ScmpActErrno)
        .set_default_errno_ret(Some(EPERM))
        .set_architectures(Some(machine_architectures()))
        .set_syscalls(Some(rules));
    profile
}

/// A profile in Docker's format (`archMap`, `includes`, `excludes`, `minKernel`), resolved likewise.
pub fn parse_profile(
    json: &[u8],
    capabilities: &[Capability],
) -> Result<LinuxSeccomp, ProfileError> {
    docker::parse(json, capabilities)
}

/// The architectures that programs on this machine may be made for.
fn machine_architectures() -> Vec<Arch> {
    if cfg!(target_arch = "aarch64") {
        vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm]
    } else {
        vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32]
    }
}

enum Compare {
    Equal,
    Masked,
}

/// A comparison of argument 0.
fn arg(value: u64, value_two: u64, compare: &Compare) -> LinuxSeccompArg {
    let arg = LinuxSeccompArgBuilder::default()
        .index(0_usize)
        .value(value);
    let arg = match compare {
        Compare::Equal => arg.op(LinuxSeccompOperator::ScmpCmpEq),
        Compare::Masked => arg
            .op(LinuxSeccompOperator::ScmpCmpMaskedEq)
            .value_two(value_two),
    };
    // All fields have defaults, so that building cannot fail.
    arg.build().unwrap_or_default()
}

fn rule(names: &[&str], action: LinuxSeccompAction, args: &[LinuxSeccompArg]) -> LinuxSyscall {
    let mut rule = LinuxSyscall::default();
    rule.set_names(names.iter().map(|&name| name.to_owned()).collect())
        .set_action(action);
    if !args.is_empty() {
        rule.set_args(Some(args.to_vec()));
    }
    rule
}

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
