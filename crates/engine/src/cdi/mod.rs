//! Devices by the Container Device Interface: files of the host say what a device needs in a
//! container, and a container asks for it by name, `vendor.example/class=name`.
//!
//! The files are read anew at each start that asks for a device, as drivers come and go. A file that
//! cannot be read hides its devices, and the log says why; what is asked for and not there is an
//! error of the start.

mod document;
mod edit;
mod files;

use std::path::PathBuf;

use lockgate_types::container::{DeviceRequest, HostConfig};
use oci_spec::runtime::Spec;

use crate::container::ConfigError;
use document::Edits;

/// Adds to the specification what the container's device requests stand for.
pub(crate) fn inject(
    spec: &mut Spec,
    host: &HostConfig,
    directories: &[PathBuf],
) -> Result<(), ConfigError> {
    let mut names: Vec<&str> = Vec::new();
    for request in host.device_requests.iter().flatten() {
        check(request)?;
        let ids = request.device_ids.iter().flatten().map(String::as_str);
        names.extend(ids);
    }
    if names.is_empty() {
        return Ok(());
    }
    for edits in resolve(&names, directories)? {
        edit::apply(spec, &edits).map_err(ConfigError::Cdi)?;
    }
    Ok(())
}

/// Only this kind of driver is there; another one is missing in dockerd's words.
fn check(request: &DeviceRequest) -> Result<(), ConfigError> {
    if request.driver != "cdi" {
        let groups = request.capabilities.iter().flatten();
        let groups: Vec<String> = groups.map(|all| format!("[{}]", all.join(" "))).collect();
        return Err(ConfigError::DeviceDriver {
            driver: request.driver.clone(),
            capabilities: format!("[{}]", groups.join(" ")),
        });
    }
    if request.count != 0 {
        return Err(ConfigError::CdiRequest("count"));
    }
    if request
        .options
        .as_ref()
        .is_some_and(|options| !options.is_empty())
    {
        return Err(ConfigError::CdiRequest("options"));
    }
    Ok(())
}

/// The edits of all devices, in order: those of a file once, before the first of its devices.
fn resolve(names: &[&str], directories: &[PathBuf]) -> Result<Vec<Edits>, ConfigError> {
    let catalog = files::read(directories);
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !catalog.devices.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        let text = format!("unresolvable CDI devices {}", missing.join(", "));
        return Err(ConfigError::Cdi(text));
    }
    let (mut seen, mut all) = (Vec::new(), Vec::new());
    for device in names.iter().filter_map(|name| catalog.devices.get(*name)) {
        if !seen.contains(&device.file) {
            seen.push(device.file);
            all.extend(catalog.common.get(device.file).cloned());
        }
        all.push(device.edits.clone());
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
