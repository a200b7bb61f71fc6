//! What of a specification this runtime does.

use oci_spec::runtime::{
    LinuxNamespace, LinuxNamespaceType, PosixRlimit, PosixRlimitType, Process, Spec,
};

use super::{CreateError, Namespaces, schedule};

/// What this runtime does not do is refused by name rather than left out.
pub(super) fn check_supported(spec: &Spec, namespaces: &Namespaces) -> Result<(), CreateError> {
    let unsupported = |what: &str| Err(CreateError::Unsupported(what.to_owned()));
    let process = spec
        .process()
        .as_ref()
        .ok_or(CreateError::Missing("process"))?;
    if process.args().as_ref().is_none_or(Vec::is_empty) {
        return Err(CreateError::Missing("process.args"));
    }
    check_valid(spec, process)?;
    if !namespaces.is_new(LinuxNamespaceType::Mount) {
        return unsupported("a container without a mount namespace of its own");
    }
    let named = spec.hostname().is_some() || spec.domainname().is_some();
    if named && !namespaces.separate(LinuxNamespaceType::Uts) {
        return unsupported("a host name without a UTS namespace");
    }
    if process
        .selinux_label()
        .as_ref()
        .is_some_and(|label| !label.is_empty())
    {
        return unsupported("an SELinux label");
    }
    let Some(linux) = spec.linux() else {
        return Ok(());
    };
    if linux.intel_rdt().is_some() {
        return unsupported("linux.intelRdt");
    }
    if linux
        .time_offsets()
        .as_ref()
        .is_some_and(|offsets| !offsets.is_empty())
    {
        return unsupported("linux.timeOffsets");
    }
    if linux
        .net_devices()
        .as_ref()
        .is_some_and(|devices| !devices.is_empty())
    {
        return unsupported("linux.netDevices");
    }
    if linux.memory_policy().is_some() {
        return unsupported("linux.memoryPolicy");
    }
    Ok(())
}

/// What the specification forbids, and no later step would notice.
fn check_valid(spec: &Spec, process: &Process) -> Result<(), CreateError> {
    let invalid = |what: String| Err(CreateError::Invalid(what));
    let version = spec.version();
    if !version.is_empty() && version.split('.').next() != Some("1") {
        return invalid(format!(
            "version {version} of the specification is not known"
        ));
    }
    if !process.cwd().is_absolute() {
        return invalid("cwd must be an absolute path".to_owned());
    }
    schedule::check(process)?;
    let limits = process.rlimits().iter().flatten().map(PosixRlimit::typ);
    if let Some(kind) = duplicate(&limits.collect::<Vec<PosixRlimitType>>()) {
        return invalid(format!("duplicated rlimit {kind}"));
    }
    let namespaces = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.namespaces().as_deref());
    let kinds = namespaces.unwrap_or(&[]).iter().map(LinuxNamespace::typ);
    if let Some(kind) = duplicate(&kinds.collect::<Vec<_>>()) {
        return invalid(format!("duplicated ns {kind}"));
    }
    Ok(())
}

fn duplicate<T: PartialEq + Copy>(list: &[T]) -> Option<T> {
    let twice = |(index, item): (usize, &T)| list.get(..index).is_some_and(|l| l.contains(item));
    let index = list.iter().enumerate().position(twice)?;
    list.get(index).copied()
}
