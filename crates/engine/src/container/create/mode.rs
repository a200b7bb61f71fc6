//! Which namespaces are shared with whom, and what does not go with that.

use lockgate_types::container::{ContainerConfig, HostConfig};

use crate::container::config_error::ConfigError;
use crate::container::registry::Registry;
use crate::network::NetworkMode;

/// Refuses modes that do not exist.
pub(super) fn check(host: &HostConfig) -> Result<(), ConfigError> {
    let joins = |mode: &str| mode.starts_with("container:");
    let ipc = host.ipc_mode.as_str();
    if !matches!(ipc, "" | "none" | "private" | "shareable" | "host") && !joins(ipc) {
        return Err(ConfigError::IpcMode(ipc.to_owned()));
    }
    let pid = host.pid_mode.as_str();
    if !matches!(pid, "" | "host") && (!joins(pid) || pid == "container:") {
        return Err(ConfigError::PidMode(pid.to_owned()));
    }
    if !matches!(host.uts_mode.as_str(), "" | "host") {
        return Err(ConfigError::UtsMode(host.uts_mode.clone()));
    }
    // dockerd takes any word for "not the host's"; a word that means nothing is better refused.
    if !matches!(host.userns_mode.as_str(), "" | "host") {
        return Err(ConfigError::UsernsMode(host.userns_mode.clone()));
    }
    if !matches!(host.cgroupns_mode.as_str(), "" | "host" | "private") {
        return Err(ConfigError::CgroupnsMode(host.cgroupns_mode.clone()));
    }
    NetworkMode::parse(&host.network_mode).map_err(|_mode| ConfigError::NetworkMode)?;
    Ok(())
}

/// Refuses what a container whose root is not the host's cannot have.
pub(super) fn remapped(host: &HostConfig) -> Result<(), ConfigError> {
    if host.privileged {
        return Err(ConfigError::PrivilegedRemapped);
    }
    if host.network_mode == "host" {
        return Err(ConfigError::RemappedWith("host's network"));
    }
    if host.pid_mode == "host" {
        return Err(ConfigError::RemappedWith("host PID"));
    }
    Ok(())
}

/// Refuses what makes no sense in a namespace that is somebody else's.
pub(super) fn conflicts(config: &ContainerConfig, host: &HostConfig) -> Result<(), ConfigError> {
    if host.uts_mode == "host" && !config.hostname.is_empty() {
        return Err(ConfigError::HostnameWithUts);
    }
    let links = host.links.as_ref().is_some_and(|links| !links.is_empty());
    match NetworkMode::parse(&host.network_mode) {
        Ok(NetworkMode::Container(_)) => in_containers_network(config, host, links),
        Ok(NetworkMode::Host) if links => Err(ConfigError::LinksWithNetwork("host", "ing can't")),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn in_containers_network(
    config: &ContainerConfig,
    host: &HostConfig,
    links: bool,
) -> Result<(), ConfigError> {
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    if !config.hostname.is_empty() {
        return Err(ConfigError::HostnameWithNetwork);
    }
    if links {
        return Err(ConfigError::LinksWithNetwork("container", " can't"));
    }
    if some(&host.dns) {
        return Err(ConfigError::DnsWithNetwork);
    }
    if some(&host.extra_hosts) {
        return Err(ConfigError::HostsWithNetwork);
    }
    let bindings = host.port_bindings.as_ref();
    if host.publish_all_ports || bindings.is_some_and(|bindings| !bindings.is_empty()) {
        return Err(ConfigError::PortsWithContainerNetwork);
    }
    if config
        .exposed_ports
        .as_ref()
        .is_some_and(|ports| !ports.is_empty())
    {
        return Err(ConfigError::ExposedWithContainerNetwork);
    }
    Ok(())
}

/// Refuses to share the IPC or PID namespace of a container that is not there. The network's
/// container is looked for at start, as in dockerd.
pub(super) fn partners(host: &HostConfig, registry: &Registry) -> Result<(), ConfigError> {
    for mode in [&host.ipc_mode, &host.pid_mode] {
        if let Some(name) = mode
            .strip_prefix("container:")
            .filter(|name| !name.is_empty())
        {
            registry
                .find(name)
                .map_err(|_error| ConfigError::NoContainer(name.to_owned()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remapped_root_is_not_let_into_the_hosts_namespaces() {
        let said = |change: fn(&mut HostConfig)| {
            let mut host = HostConfig::default();
            change(&mut host);
            remapped(&host).err().map(|error| error.to_string())
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(said(|_| {}), None);
        assert_eq!(
            said(|host| host.privileged = true),
            text(
                "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode"
            )
        );
        assert_eq!(
            said(|host| host.network_mode = "host".to_owned()),
            text("cannot share the host's network namespace when user namespaces are enabled")
        );
        assert_eq!(
            said(|host| host.pid_mode = "host".to_owned()),
            text("cannot share the host PID namespace when user namespaces are enabled")
        );
        assert_eq!(said(|host| host.ipc_mode = "container:x".to_owned()), None);
    }

    #[test]
    fn a_containers_network_leaves_nothing_to_say_about_it() {
        let host = || HostConfig {
            network_mode: "container:x".to_owned(),
            ..HostConfig::default()
        };
        let list = || Some(vec!["a:1.2.3.4".to_owned()]);
        let named = ContainerConfig {
            hostname: "a".to_owned(),
            ..ContainerConfig::default()
        };
        let text = |config: &ContainerConfig, host: HostConfig| {
            conflicts(config, &host).unwrap_err().to_string()
        };
        let plain = ContainerConfig::default();
        conflicts(&plain, &host()).unwrap();
        assert_eq!(
            text(&named, host()),
            "conflicting options: hostname and the network mode"
        );
        assert_eq!(
            text(
                &plain,
                HostConfig {
                    dns: list(),
                    ..host()
                }
            ),
            "conflicting options: dns and the network mode"
        );
        assert_eq!(
            text(
                &plain,
                HostConfig {
                    extra_hosts: list(),
                    ..host()
                }
            ),
            "conflicting options: custom host-to-IP mapping and the network mode"
        );
        assert_eq!(
            text(
                &plain,
                HostConfig {
                    links: list(),
                    ..host()
                }
            ),
            "conflicting options: container type network can't be used with links. This would result in undefined behavior"
        );
        assert_eq!(
            text(
                &plain,
                HostConfig {
                    network_mode: "host".to_owned(),
                    links: list(),
                    ..host()
                }
            ),
            "conflicting options: host type networking can't be used with links. This would result in undefined behavior"
        );
        assert_eq!(
            text(
                &named,
                HostConfig {
                    network_mode: String::new(),
                    uts_mode: "host".to_owned(),
                    ..host()
                }
            ),
            "conflicting options: hostname and the UTS mode"
        );
    }
}
