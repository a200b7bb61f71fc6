//! Whether a configuration makes sense, before anything is made of it.

use std::net::IpAddr;

use lockgate_types::Signal;
use lockgate_types::container::{ContainerConfig, HostConfig, RestartPolicy};

use crate::config::EngineConfig;
use crate::container::config_error::ConfigError;
use crate::container::spec::capability;
use crate::network::{check_binding, parse_port};

use super::{mode, security};

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
            .map_err(|_error| ConfigError::StopSignal(signal.to_owned()))?;
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
    mode::check(host)?;
    if engine.ids_of(&host.userns_mode).is_some() {
        mode::remapped(host)?;
    }
    for (port, bindings) in host.port_bindings.iter().flatten() {
        parse_port(port)?;
        for binding in bindings.iter().flatten() {
            check_binding(binding)?;
        }
    }
    for extra in host.extra_hosts.iter().flatten() {
        extra_host(extra)?;
    }
    let annotations = host.annotations.as_ref();
    if annotations.is_some_and(|annotations| annotations.contains_key("")) {
        return Err(ConfigError::Annotation);
    }
    capability::resolve(host)?;
    security::check(host)?;
    super::resources::check(host)?;
    if !host.isolation.is_empty() && host.isolation != "default" {
        return Err(ConfigError::Isolation(host.isolation.clone()));
    }
    crate::container::runtime::choose(&host.runtime, engine)?;
    Ok(())
}

/// Checks a restart policy, of create and of update.
pub(crate) fn restart_policy(policy: &RestartPolicy, auto_remove: bool) -> Result<(), ConfigError> {
    let count = policy.maximum_retry_count;
    match policy.name.as_str() {
        "" | "always" | "unless-stopped" | "no" if count > 0 => {
            return Err(ConfigError::RestartCount);
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
                "invalid restart policy: maximum retry count can only be used with 'on-failure'",
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
