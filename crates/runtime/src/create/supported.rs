//! What of a specification this runtime does.

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{CreateError, Namespaces};

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
    if spec.hooks().as_ref().is_some_and(has_hooks) {
        return unsupported("running hooks");
    }
    Ok(())
}

fn has_hooks(hooks: &oci_spec::runtime::Hooks) -> bool {
    let lists = [
        hooks.prestart(),
        hooks.create_runtime(),
        hooks.create_container(),
        hooks.start_container(),
        hooks.poststart(),
        hooks.poststop(),
    ];
    lists
        .iter()
        .any(|list| list.as_ref().is_some_and(|list| !list.is_empty()))
}
