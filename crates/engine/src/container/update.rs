//! Changing limits and the restart policy of a container.

use std::sync::Arc;

use lockgate_runtime::cgroup::Cgroup;
use lockgate_types::container::HostConfig;

use super::config_error::ConfigError;
use super::create::{check_resources, check_restart_policy, discard};
use super::driver::Driver;
use super::error::{FaultError, LookupError, UpdateError};
use super::handle::{Answer, Failure, Order};
use super::record::Record;
use super::request::UpdateQuery;
use super::spec::{cgroup_path, resource};
use super::{Containers, events};

impl Containers {
    /// Changes resource limits and the restart policy; the answer is warnings.
    pub async fn update(&self, name: &str, query: UpdateQuery) -> Result<Vec<String>, UpdateError> {
        // As in dockerd, before it is known whether the container is there.
        check_asked(&query.host_config)?;
        let container = self.inner.registry.find(name)?;
        let id = || container.id.clone();
        match container.order(Order::Update(Box::new(query))).await {
            Ok(warnings) => Ok(warnings),
            Err(Failure::Config(error)) => Err(error.into()),
            Err(Failure::Refused(_)) => Err(UpdateError::Removing(id())),
            Err(Failure::Fault(fault)) => Err(UpdateError::Fault { id: id(), fault }),
            Err(
                Failure::Start(_) | Failure::NameInUse(_) | Failure::Network(_) | Failure::Gone,
            ) => Err(LookupError::NotFound(name.to_owned()).into()),
        }
    }
}

impl Driver {
    pub(super) async fn update(&mut self, query: UpdateQuery) -> Answer {
        let mut host = self.record.host_config.clone();
        let mut wanted = query.host_config;
        let warnings = discard(&mut wanted, self.engine.host.limits).map_err(Failure::Config)?;
        conflicts(&host, &wanted).map_err(|what| {
            let id = self.record.id.to_string();
            Failure::Config(ConfigError::Update { id, what })
        })?;
        take_over(&mut host, &wanted);
        if self.state.status.has_process() {
            let path = cgroup_path(&self.engine.config, &self.record);
            let mut unlimited = host.clone();
            // What is shown as 0 is unlimited, which the kernel is told by a negative number.
            unlimited.pids_limit = host
                .pids_limit
                .map(|limit| if limit == 0 { -1 } else { limit });
            let resources = resource::build(&unlimited).map_err(Failure::Config)?;
            let updating = tokio::task::spawn_blocking(move || {
                Cgroup::open(&path).and_then(|cgroup| cgroup.update(&resources))
            });
            match updating.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(FaultError::Limits(error.to_string()).into()),
                Err(_) => return Err(FaultError::Closing.into()),
            }
        }
        let record = Record {
            host_config: host,
            ..Record::clone(&self.record)
        };
        record
            .write(&self.container.directory)
            .map_err(FaultError::file("cannot write the new limits"))?;
        self.record = Arc::new(record);
        self.publish();
        events::container(&self.engine, &self.record, "update", []);
        Ok(warnings)
    }
}

/// Checks what is asked for by itself.
fn check_asked(wanted: &HostConfig) -> Result<(), ConfigError> {
    let mut wanted = wanted.clone();
    if wanted.memory == 0 {
        // A limit of swap alone goes with the limit of memory that is there.
        wanted.memory_swap = wanted.memory_swap.min(0);
    }
    check_resources(&wanted)?;
    check_restart_policy(&wanted.restart_policy, false)
}

/// Takes over what the query sets: everything that is not at its zero value.
fn take_over(host: &mut HostConfig, new: &HostConfig) {
    let unset = HostConfig::default();
    macro_rules! nonzero {
        ($($field:ident),* $(,)?) => {$(
            if new.$field != unset.$field {
                host.$field.clone_from(&new.$field);
            }
        )*};
    }
    nonzero!(
        cpu_shares,
        memory,
        nano_cpus,
        blkio_weight,
        cpu_period,
        cpu_quota,
        cpu_realtime_period,
        cpu_realtime_runtime,
        cpuset_cpus,
        cpuset_mems,
        memory_reservation,
        memory_swap,
        memory_swappiness,
        oom_kill_disable,
        pids_limit,
        ulimits,
    );
    if !new.restart_policy.name.is_empty() {
        host.restart_policy.clone_from(&new.restart_policy);
    }
    // All of these mean that there is no limit.
    host.pids_limit = host.pids_limit.map(|limit| limit.max(0));
}

/// What cannot be changed beside what is set already; the texts are dockerd's.
fn conflicts(host: &HostConfig, new: &HostConfig) -> Result<(), &'static str> {
    if host.auto_remove && !matches!(new.restart_policy.name.as_str(), "" | "no") {
        return Err(
            "Restart policy cannot be updated because AutoRemove is enabled for the container",
        );
    }
    if new.nano_cpus > 0 && host.cpu_period > 0 {
        return Err(
            "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
        );
    }
    if new.nano_cpus > 0 && host.cpu_quota > 0 {
        return Err(
            "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set",
        );
    }
    if new.cpu_period > 0 && host.nano_cpus > 0 {
        return Err(
            "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set",
        );
    }
    if new.cpu_quota > 0 && host.nano_cpus > 0 {
        return Err(
            "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
        );
    }
    if new.memory_swap == 0 && host.memory_swap > 0 && new.memory > host.memory_swap {
        return Err(
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lockgate_types::container::RestartPolicy;

    use super::*;

    #[test]
    fn only_what_is_said_changes() {
        let mut host = HostConfig {
            memory: 1 << 30,
            cpu_shares: 5,
            ..HostConfig::default()
        };
        let policy = RestartPolicy {
            name: "always".to_owned(),
            maximum_retry_count: 0,
        };
        let new = HostConfig {
            cpu_shares: 7,
            restart_policy: policy,
            ..HostConfig::default()
        };
        take_over(&mut host, &new);
        assert_eq!((host.memory, host.cpu_shares), (1 << 30, 7));
        assert_eq!(host.restart_policy.name, "always");
    }

    #[test]
    fn what_is_set_stands_in_the_way_with_dockers_words() {
        let host = HostConfig {
            memory_swap: 64 << 20,
            cpu_period: 50_000,
            ..HostConfig::default()
        };
        let memory = HostConfig {
            memory: 128 << 20,
            ..HostConfig::default()
        };
        assert_eq!(
            conflicts(&host, &memory).unwrap_err(),
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
        );
        let nano = HostConfig {
            nano_cpus: 1,
            ..HostConfig::default()
        };
        assert_eq!(
            conflicts(&host, &nano).unwrap_err(),
            "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set"
        );
        conflicts(&HostConfig::default(), &memory).unwrap();
    }

    #[test]
    fn no_limit_of_processes_has_one_form() {
        let mut host = HostConfig {
            pids_limit: Some(7),
            ..HostConfig::default()
        };
        let new = HostConfig {
            pids_limit: Some(-1),
            ..HostConfig::default()
        };
        take_over(&mut host, &new);
        assert_eq!(host.pids_limit, Some(0));
    }
}
