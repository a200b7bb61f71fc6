//! The process: of a container, and of an exec in it.

use std::path::PathBuf;

use lockgate_runtime::spec::DEFAULT_PATH;
use oci_spec::runtime::{
    Box as ConsoleSize, BoxBuilder, Capability, LinuxCapabilities, PosixRlimit, Process, User,
};

use super::{Inputs, limit};
use crate::config::EngineConfig;
use crate::container::create::Security;
use crate::container::record::Record;
use crate::rootfs::Identity;

/// Where `--init` puts the small init.
pub(super) const INIT: &str = "/sbin/docker-init";

/// The container's own process.
pub(super) fn build(inputs: &Inputs<'_>, capabilities: &[Capability]) -> Process {
    let record = inputs.record;
    let host = &record.host_config;
    let mut args = Vec::with_capacity(record.args.len() + 3);
    if host.init == Some(true) {
        args.extend([INIT.to_owned(), "--".to_owned()]);
    }
    args.push(record.path.clone());
    args.extend(record.args.iter().cloned());
    let mut process = common(record, inputs.identity, capabilities);
    process
        .set_terminal(Some(record.config.tty))
        .set_console_size(console_size(host.console_size))
        .set_args(Some(args))
        .set_env(Some(environment(
            record,
            record.config.tty,
            inputs.identity,
            inputs.link_environment,
        )))
        .set_cwd(working_directory(&record.config.working_dir))
        .set_rlimits(Some(rlimits(inputs.engine, record)))
        .set_oom_score_adj(oom_score_adj(host.oom_score_adj));
    process
}

/// The container's limits and those that the daemon gives to all; its execs have them too.
pub(crate) fn rlimits(engine: &EngineConfig, record: &Record) -> Vec<PosixRlimit> {
    let own = record.host_config.ulimits.as_deref().unwrap_or_default();
    limit::build(&engine.default_ulimits, own)
}

/// What the container's process and its execs have in common.
pub(crate) fn common(record: &Record, identity: &Identity, capabilities: &[Capability]) -> Process {
    let mut user = User::default();
    user.set_uid(identity.uid)
        .set_gid(identity.gid)
        .set_additional_gids(Some(identity.groups.clone()));
    let mut process = Process::default();
    process
        .set_user(user)
        .set_command_line(None)
        .set_capabilities(Some(capability_sets(capabilities)))
        .set_rlimits(None)
        .set_no_new_privileges(Some(no_new_privileges(record)))
        .set_apparmor_profile(crate::apparmor::profile_of(&record.host_config))
        .set_selinux_label(None);
    process
}

/// Docker's environment: `PATH`, `HOSTNAME`, `TERM` for a terminal, `HOME`, then the container's own
/// and `extra`, later ones replacing earlier ones.
pub(crate) fn environment(
    record: &Record,
    terminal: bool,
    identity: &Identity,
    extra: &[String],
) -> Vec<String> {
    let mut all = vec![
        format!("PATH={DEFAULT_PATH}"),
        format!("HOSTNAME={}", record.config.hostname),
    ];
    if terminal {
        all.push("TERM=xterm".to_owned());
    }
    let key = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
    for entry in record.config.env.iter().flatten().chain(extra) {
        let name = key(entry);
        let place = all.iter().position(|known| key(known) == name);
        match (place, entry.contains('=')) {
            (Some(place), true) => {
                if let Some(known) = all.get_mut(place) {
                    known.clone_from(entry);
                }
            }
            // A name alone takes the variable away.
            (Some(place), false) => {
                all.remove(place);
            }
            (None, true) => all.push(entry.clone()),
            (None, false) => {}
        }
    }
    if !all.iter().any(|entry| entry.starts_with("HOME=")) {
        all.push(format!("HOME={}", identity.home));
    }
    all
}

/// The working directory, `/` if none is said.
pub(crate) fn working_directory(path: &str) -> PathBuf {
    if path.is_empty() {
        PathBuf::from("/")
    } else {
        PathBuf::from(path)
    }
}

/// Height and width; nothing if either is zero.
pub(crate) fn console_size([height, width]: [u32; 2]) -> Option<ConsoleSize> {
    if height == 0 || width == 0 {
        return None;
    }
    BoxBuilder::default()
        .height(height)
        .width(width)
        .build()
        .ok()
}

fn capability_sets(capabilities: &[Capability]) -> LinuxCapabilities {
    let set = || Some(capabilities.iter().copied().collect());
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(set())
        .set_effective(set())
        .set_permitted(set())
        .set_inheritable(None)
        .set_ambient(None);
    sets
}

/// Options that cannot be read were refused when the container was created.
fn no_new_privileges(record: &Record) -> bool {
    Security::parse(&record.host_config).is_ok_and(|security| security.no_new_privileges)
}

/// Says that a score is not as low as asked.
pub(super) fn score_warning(wanted: i64) -> Option<String> {
    let got = oom_score_adj(wanted)?;
    (i64::from(got) > wanted).then(|| {
        format!("The daemon may not lower the OOM score adjustment to {wanted} (CAP_SYS_RESOURCE is missing); {got} is used.")
    })
}

/// Zero is Docker's default and is left to the runtime. A process without CAP_SYS_RESOURCE cannot
/// go below its own value; then the value is left as it is.
fn oom_score_adj(wanted: i64) -> Option<i32> {
    let wanted = i32::try_from(wanted).ok()?;
    if wanted >= 0 || limit::may_raise() {
        return Some(wanted);
    }
    let own = std::fs::read_to_string("/proc/self/oom_score_adj")
        .ok()?
        .trim()
        .parse::<i32>()
        .ok()?;
    Some(wanted.max(own))
}
