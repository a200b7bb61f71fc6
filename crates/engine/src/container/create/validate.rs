//! Whether a configuration makes sense, before anything is made of it.

use std::net::IpAddr;

use lockgate_types::Signal;
use lockgate_types::container::{ContainerConfig, HostConfig, RestartPolicy};

use crate::config::EngineConfig;
use crate::container::config_error::ConfigError;
use crate::container::spec::capability;
use crate::network::{NetworkMode, parse_port};

/// Checks what runs inside.
pub(super) fn config(config: &ContainerConfig) -> Result<(), ConfigError> {
    if !config.working_dir.is_empty() && !config.working_dir.starts_with('/') {
        return Err(ConfigError::WorkingDir(config.working_dir.clone()));
    }
    for entry in config.env.iter().flatten() {
        check_env(entry)?;
    }
    if let Some(signal) = config.stop_signal.as_deref().filter(|s| !s.is_empty()) {
        signal
            .parse::<Signal>()
            .map_err(|error| ConfigError::StopSignal(error.0))?;
    }
    for port in config.exposed_ports.iter().flat_map(|ports| ports.keys()) {
        parse_port(port)?;
    }
    if let Some(health) = &config.healthcheck {
        for (name, value) in [
            ("Interval", health.interval),
            ("Timeout", health.timeout),
            ("StartPeriod", health.start_period),
            ("StartInterval", health.start_interval),
        ] {
            if value != 0 && value < 1_000_000 {
                return Err(ConfigError::HealthInterval(name));
            }
        }
        if health.retries < 0 {
            return Err(ConfigError::HealthRetries);
        }
    }
    Ok(())
}

/// Refuses an environment variable without a name.
pub(crate) fn check_env(entry: &str) -> Result<(), ConfigError> {
    if entry.is_empty() || entry.starts_with('=') || entry.contains('\0') {
        return Err(ConfigError::Env(entry.to_owned()));
    }
    Ok(())
}

/// Checks how it sits on the host.
pub(super) fn host_config(host: &HostConfig, engine: &EngineConfig) -> Result<(), ConfigError> {
    restart_policy(&host.restart_policy, host.auto_remove)?;
    modes(host)?;
    for port in host.port_bindings.iter().flat_map(|ports| ports.keys()) {
        parse_port(port)?;
    }
    for extra in host.extra_hosts.iter().flatten() {
        extra_host(extra)?;
    }
    capability::resolve(host)?;
    security_options(host)?;
    super::resources::check(host)?;
    if !host.isolation.is_empty() && host.isolation != "default" {
        return Err(ConfigError::Isolation(host.isolation.clone()));
    }
    crate::container::runtime::choose(&host.runtime, engine)?;
    if host
        .storage_opt
        .as_ref()
        .is_some_and(|options| !options.is_empty())
    {
        return Err(ConfigError::StorageOpt);
    }
    if let Some(request) = host.device_requests.iter().flatten().next() {
        return Err(ConfigError::DeviceDriver {
            driver: request.driver.clone(),
            capabilities: format!("{:?}", request.capabilities.clone().unwrap_or_default()),
        });
    }
    Ok(())
}

/// Checks a restart policy, of create and of update.
pub(crate) fn restart_policy(policy: &RestartPolicy, auto_remove: bool) -> Result<(), ConfigError> {
    let count = policy.maximum_retry_count;
    match policy.name.as_str() {
        "always" | "unless-stopped" | "no" if count > 0 => {
            return Err(ConfigError::RestartCount(policy.name.clone()));
        }
        "always" | "unless-stopped" | "no" | "on-failure" if count < 0 => {
            return Err(ConfigError::RestartNegative);
        }
        "" | "always" | "unless-stopped" | "no" | "on-failure" => {}
        other => return Err(ConfigError::RestartPolicy(other.to_owned())),
    }
    if auto_remove && !matches!(policy.name.as_str(), "" | "no") {
        return Err(ConfigError::AutoRemoveWithRestart);
    }
    Ok(())
}

fn modes(host: &HostConfig) -> Result<(), ConfigError> {
    let joins = |mode: &str| {
        mode.strip_prefix("container:")
            .is_some_and(|name| !name.is_empty())
    };
    let ipc = host.ipc_mode.as_str();
    if !matches!(ipc, "" | "none" | "private" | "shareable" | "host") && !joins(ipc) {
        return Err(ConfigError::IpcMode(ipc.to_owned()));
    }
    let pid = host.pid_mode.as_str();
    if !matches!(pid, "" | "private" | "host") && !joins(pid) {
        return Err(ConfigError::PidMode(pid.to_owned()));
    }
    if !matches!(host.uts_mode.as_str(), "" | "host") {
        return Err(ConfigError::UtsMode(host.uts_mode.clone()));
    }
    if !matches!(host.cgroupns_mode.as_str(), "" | "host" | "private") {
        return Err(ConfigError::CgroupnsMode(host.cgroupns_mode.clone()));
    }
    if !matches!(host.userns_mode.as_str(), "" | "host") {
        return Err(ConfigError::UsernsMode(host.userns_mode.clone()));
    }
    let network = NetworkMode::parse(&host.network_mode)
        .map_err(|_mode| ConfigError::NetworkMode(host.network_mode.clone()))?;
    let publishes =
        host.publish_all_ports || host.port_bindings.as_ref().is_some_and(|p| !p.is_empty());
    if matches!(network, NetworkMode::Container(_)) && publishes {
        return Err(ConfigError::PortsWithContainerNetwork);
    }
    Ok(())
}

fn extra_host(text: &str) -> Result<(), ConfigError> {
    let Some((name, address)) = text.split_once([':', '=']) else {
        return Err(ConfigError::AddHost(text.to_owned()));
    };
    if name.is_empty() {
        return Err(ConfigError::AddHost(text.to_owned()));
    }
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    if address != "host-gateway" && bare.parse::<IpAddr>().is_err() {
        return Err(ConfigError::AddHostIp(address.to_owned()));
    }
    Ok(())
}

fn security_options(host: &HostConfig) -> Result<(), ConfigError> {
    for option in host.security_opt.iter().flatten() {
        let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        match (key, value) {
            ("no-new-privileges", "" | "true" | "false")
            | ("seccomp" | "apparmor" | "label" | "systempaths" | "writable-cgroups", _) => {}
            _ => return Err(ConfigError::SecurityOpt(option.clone())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, count: i64) -> RestartPolicy {
        RestartPolicy {
            name: name.to_owned(),
            maximum_retry_count: count,
        }
    }

    #[test]
    fn restart_policies_are_dockers() {
        for (name, count) in [("", 0), ("no", 0), ("always", 0), ("on-failure", 3)] {
            restart_policy(&policy(name, count), false).unwrap();
        }
        for (name, count, text) in [
            (
                "sometimes",
                0,
                "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
            ),
            (
                "always",
                3,
                "invalid restart policy: maximum retry count cannot be used with restart policy 'always'",
            ),
            (
                "on-failure",
                -1,
                "invalid restart policy: maximum retry count cannot be negative",
            ),
        ] {
            assert_eq!(
                restart_policy(&policy(name, count), false)
                    .unwrap_err()
                    .to_string(),
                text
            );
        }
        let error = restart_policy(&policy("always", 0), true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "can't create 'AutoRemove' container with restart policy"
        );
    }

    #[test]
    fn extra_hosts_are_names_with_addresses() {
        for good in [
            "a:1.2.3.4",
            "a=1.2.3.4",
            "a:host-gateway",
            "a:::1",
            "a:[::1]",
        ] {
            extra_host(good).unwrap();
        }
        for bad in ["a", ":1.2.3.4", "a:b"] {
            assert!(extra_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn environment_variables_have_names() {
        check_env("A=b").unwrap();
        check_env("A").unwrap();
        assert!(check_env("=b").is_err());
        assert!(check_env("").is_err());
    }
}
