//! Putting edits into a specification.

use std::path::{Path, PathBuf};

use lockgate_runtime::spec::{device_rule, mount};
use oci_spec::runtime::{
    Hook as OciHook, Hooks, LinuxDevice, LinuxDeviceType, LinuxResources, Process, Spec,
};

use super::document::{DeviceNode, Edits, Hook};
use crate::container::spec::device;

/// Adds them; the error says which edit cannot be done.
pub(super) fn apply(spec: &mut Spec, edits: &Edits) -> Result<(), String> {
    if !edits.net_devices.is_empty() {
        return Err("netDevices are not supported".to_owned());
    }
    if edits.intel_rdt.is_some() {
        return Err("intelRdt is not supported".to_owned());
    }
    if let Some(process) = spec.process_mut() {
        set_environment(process, &edits.env)?;
        add_groups(process, &edits.additional_gids);
    }
    for node in &edits.device_nodes {
        add_device(spec, node)?;
    }
    for edit in &edits.mounts {
        let options: Vec<&str> = edit.options.iter().map(String::as_str).collect();
        let kind = if edit.kind.is_empty() {
            "bind"
        } else {
            edit.kind.as_str()
        };
        let target = edit.container_path.as_str();
        let all = spec.mounts_mut().get_or_insert_default();
        all.retain(|other| other.destination() != Path::new(target));
        all.push(mount(target, kind, &edit.host_path, &options));
    }
    for hook in &edits.hooks {
        add_hook(spec, hook)?;
    }
    Ok(())
}

/// A variable replaces one of the same name.
fn set_environment(process: &mut Process, entries: &[String]) -> Result<(), String> {
    let all = process.env_mut().get_or_insert_default();
    for entry in entries {
        let Some((name, _)) = entry.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(format!("invalid environment variable \"{entry}\""));
        };
        all.retain(|other| other.split('=').next() != Some(name));
        all.push(entry.clone());
    }
    Ok(())
}

fn add_groups(process: &mut Process, groups: &[u32]) {
    let user = process.user_mut();
    let mut all = user.additional_gids().clone().unwrap_or_default();
    // Group 0 is never given, as the interface has it.
    all.extend(groups.iter().filter(|gid| **gid != 0));
    all.dedup();
    user.set_additional_gids(Some(all));
}

fn add_device(spec: &mut Spec, node: &DeviceNode) -> Result<(), String> {
    let made = device_of(node)?;
    let Some(linux) = spec.linux_mut() else {
        return Ok(());
    };
    let access = if node.permissions.is_empty() {
        "rwm"
    } else {
        node.permissions.as_str()
    };
    let rule = device_rule(
        true,
        made.typ(),
        Some(made.major()),
        Some(made.minor()),
        access,
    );
    let devices = linux.devices_mut().get_or_insert_default();
    devices.retain(|other| other.path() != made.path());
    devices.push(made);
    let resources = linux
        .resources_mut()
        .get_or_insert_with(LinuxResources::default);
    let mut rules = resources.devices().clone().unwrap_or_default();
    rules.push(rule);
    resources.set_devices(Some(rules));
    Ok(())
}

/// What the file leaves open is as it is on the host.
fn device_of(node: &DeviceNode) -> Result<LinuxDevice, String> {
    if node.path.is_empty() {
        return Err("a device node has no path".to_owned());
    }
    let source = if node.host_path.is_empty() {
        &node.path
    } else {
        &node.host_path
    };
    let kind = match node.kind.as_str() {
        "b" => Some(LinuxDeviceType::B),
        "c" | "u" => Some(LinuxDeviceType::C),
        "p" => Some(LinuxDeviceType::P),
        "" => None,
        other => return Err(format!("a device's type \"{other}\" is none of b, c, u, p")),
    };
    let mut made = match (kind, node.major) {
        (Some(kind), 1..) => {
            let mut made = LinuxDevice::default();
            made.set_typ(kind)
                .set_major(node.major)
                .set_minor(node.minor);
            made
        }
        _ => device::node(Path::new(source), Path::new(&node.path))
            .ok_or_else(|| format!("failed to stat CDI host device \"{source}\""))?,
    };
    made.set_path(PathBuf::from(&node.path));
    if node.file_mode.is_some() {
        made.set_file_mode(node.file_mode);
    }
    if node.uid.is_some() {
        made.set_uid(node.uid);
    }
    if node.gid.is_some() {
        made.set_gid(node.gid);
    }
    Ok(made)
}

fn add_hook(spec: &mut Spec, hook: &Hook) -> Result<(), String> {
    let mut made = OciHook::default();
    made.set_path(PathBuf::from(&hook.path))
        .set_args(Some(hook.args.clone()))
        .set_env(Some(hook.env.clone()))
        .set_timeout(hook.timeout);
    let hooks = spec.hooks_mut().get_or_insert_with(Hooks::default);
    let mut list = match hook.name.as_str() {
        "prestart" => hooks.prestart().clone(),
        "createRuntime" => hooks.create_runtime().clone(),
        "createContainer" => hooks.create_container().clone(),
        "startContainer" => hooks.start_container().clone(),
        "poststart" => hooks.poststart().clone(),
        "poststop" => hooks.poststop().clone(),
        other => return Err(format!("invalid hook name \"{other}\"")),
    };
    list.get_or_insert_default().push(made);
    match hook.name.as_str() {
        "prestart" => hooks.set_prestart(list),
        "createRuntime" => hooks.set_create_runtime(list),
        "createContainer" => hooks.set_create_container(list),
        "startContainer" => hooks.set_start_container(list),
        "poststart" => hooks.set_poststart(list),
        _ => hooks.set_poststop(list),
    };
    Ok(())
}
