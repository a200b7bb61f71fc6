//! What older versions meant by their requests, in terms of the newest.
//!
//! The counterpart of `shape`: one line per difference, applied before anything else looks.

use std::collections::BTreeMap;

use lockgate_types::container::{Mount, MountType};
use lockgate_types::network::EndpointSettings;

use crate::ApiVersion;
use crate::latest::container::CreateRequest;

/// What a request may not say in its version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// Before 1.44 a container is created on one network at most.
    #[error("Container cannot be created with multiple network endpoints: {0}")]
    Endpoints(String),
    /// Since 1.42 options must be those of the mount's type.
    #[error("{options} must not be specified on mount type {kind:?}")]
    MountOptions {
        /// `BindOptions`, `VolumeOptions` or `TmpfsOptions`.
        options: &'static str,
        /// The type of the mount.
        kind: String,
    },
    /// Images can be mounted since 1.48.
    #[error("Mount type \"image\" requires minimum API version 1.48")]
    ImageMount,
}

impl CreateRequest {
    /// Says in the newest terms what the request meant in its own version.
    pub fn upgrade(&mut self, version: ApiVersion) -> Result<(), UpgradeError> {
        let host = &mut self.host_config;
        if version.before(40) {
            host.pids_limit = None;
            fill(&mut host.ipc_mode, "shareable");
        }
        if version.before(41) {
            fill(&mut host.cgroupns_mode, "host");
        }
        if version.before(42) {
            host.console_size = [0, 0];
        }
        if version.before(46) {
            host.annotations = None;
        }
        for mount in host.mounts.iter_mut().flatten() {
            upgrade_mount(mount, version)?;
        }
        if version.before(44) {
            if let Some(check) = &mut self.config.healthcheck {
                check.start_interval = 0;
            }
            self.upgrade_endpoints()?;
        }
        Ok(())
    }

    /// Before 1.44 the MAC address belonged to the container, which had one network at most.
    fn upgrade_endpoints(&mut self) -> Result<(), UpgradeError> {
        let endpoints = self
            .networking_config
            .endpoints_config
            .get_or_insert_default();
        if endpoints.len() > 1 {
            let names: Vec<&str> = endpoints.keys().map(String::as_str).collect();
            return Err(UpgradeError::Endpoints(names.join(", ")));
        }
        let address = std::mem::take(&mut self.config.mac_address);
        if !address.is_empty() {
            let network = match self.host_config.network_mode.as_str() {
                "" => "default",
                named => named,
            };
            put_address(endpoints, network, address);
        }
        Ok(())
    }
}

fn put_address(
    endpoints: &mut BTreeMap<String, Option<EndpointSettings>>,
    network: &str,
    address: String,
) {
    let named = endpoints
        .keys()
        .next()
        .cloned()
        .unwrap_or_else(|| network.to_owned());
    let endpoint = endpoints.entry(named).or_default().get_or_insert_default();
    if endpoint.mac_address.is_empty() {
        endpoint.mac_address = address;
    }
}

fn upgrade_mount(mount: &mut Mount, version: ApiVersion) -> Result<(), UpgradeError> {
    if mount.kind == MountType::Image && version.before(48) {
        return Err(UpgradeError::ImageMount);
    }
    if let Some(bind) = &mut mount.bind_options {
        bind.non_recursive &= version.since(40);
        bind.create_mountpoint &= version.since(42);
        bind.read_only_non_recursive &= version.since(44);
        bind.read_only_force_recursive &= version.since(44);
    }
    let kind = &mount.kind;
    let bind = mount.bind_options.is_some() && *kind != MountType::Bind;
    let volume = mount.volume_options.is_some() && *kind != MountType::Volume;
    let tmpfs = mount.tmpfs_options.is_some() && *kind != MountType::Tmpfs;
    if version.since(42) {
        let wrong = [
            ("BindOptions", bind),
            ("VolumeOptions", volume),
            ("TmpfsOptions", tmpfs),
        ];
        if let Some((options, _)) = wrong.into_iter().find(|(_, is_wrong)| *is_wrong) {
            return Err(UpgradeError::MountOptions {
                options,
                kind: kind.as_str().to_owned(),
            });
        }
        return Ok(());
    }
    mount.volume_options = mount.volume_options.take().filter(|_| !volume);
    mount.tmpfs_options = mount.tmpfs_options.take().filter(|_| !tmpfs);
    Ok(())
}

fn fill(text: &mut String, default: &str) {
    if text.is_empty() {
        default.clone_into(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(minor: u16, body: &str) -> Result<CreateRequest, UpgradeError> {
        let mut request = CreateRequest::parse(body.as_bytes()).unwrap();
        request.upgrade(ApiVersion::new(1, minor)).map(|()| request)
    }

    #[test]
    fn old_defaults_are_written_out() {
        let body = r#"{"HostConfig":{"PidsLimit":5,"ConsoleSize":[1,2],"Annotations":{"a":"b"}}}"#;
        let old = upgrade(39, body).unwrap().host_config;
        assert_eq!(
            (old.ipc_mode.as_str(), old.cgroupns_mode.as_str()),
            ("shareable", "host")
        );
        assert_eq!(
            (old.pids_limit, old.console_size, old.annotations),
            (None, [0, 0], None)
        );
        let new = upgrade(55, body).unwrap().host_config;
        assert_eq!(
            (new.ipc_mode.as_str(), new.cgroupns_mode.as_str()),
            ("", "")
        );
        assert_eq!((new.pids_limit, new.console_size), (Some(5), [1, 2]));
    }

    #[test]
    fn a_container_had_one_network_and_its_own_address() {
        let body = r#"{"MacAddress":"02:42:ac:11:00:02","HostConfig":{"NetworkMode":"bridge"}}"#;
        let endpoints = upgrade(43, body)
            .unwrap()
            .networking_config
            .endpoints_config
            .unwrap();
        let endpoint = endpoints["bridge"].as_ref().unwrap();
        assert_eq!(endpoint.mac_address, "02:42:ac:11:00:02");
        let two = r#"{"NetworkingConfig":{"EndpointsConfig":{"a":{},"b":null}}}"#;
        assert_eq!(
            upgrade(43, two).unwrap_err().to_string(),
            "Container cannot be created with multiple network endpoints: a, b"
        );
        upgrade(44, two).unwrap();
    }

    #[test]
    fn mount_options_belong_to_their_type() {
        let body = r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/a","Target":"/b",
            "VolumeOptions":{"NoCopy":true}}]}}"#;
        assert_eq!(
            upgrade(42, body).unwrap_err().to_string(),
            "VolumeOptions must not be specified on mount type \"bind\""
        );
        let mounts = upgrade(41, body).unwrap().host_config.mounts.unwrap();
        assert_eq!(mounts[0].volume_options, None);
        let image = r#"{"HostConfig":{"Mounts":[{"Type":"image"}]}}"#;
        assert_eq!(upgrade(47, image).unwrap_err(), UpgradeError::ImageMount);
    }
}
