//! How a container is to be probed.

use std::time::Duration;

use lockgate_types::Timestamp;
use lockgate_types::container::ContainerConfig;

use super::HealthStatus;

/// Docker's defaults.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: i64 = 3;

/// A health check with its defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(super) command: Vec<String>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) start_period: Duration,
    pub(super) start_interval: Duration,
    pub(super) retries: i64,
}

impl Check {
    /// The check of a container; `None` if it has none, switched it off, or names a kind that Docker
    /// does not know either.
    pub(crate) fn of(config: &ContainerConfig) -> Option<Self> {
        let asked = config.healthcheck.as_ref()?;
        let (kind, words) = asked.test.as_deref()?.split_first()?;
        let command = match kind.as_str() {
            "CMD" => words.to_vec(),
            "CMD-SHELL" => shell(config).iter().chain(words).cloned().collect(),
            "NONE" => return None,
            other => {
                tracing::warn!(
                    kind = other,
                    "an unknown kind of health check (expected CMD, CMD-SHELL or NONE)"
                );
                return None;
            }
        };
        let or = |nanos: i64, default: Duration| match u64::try_from(nanos) {
            Ok(nanos) if nanos > 0 => Duration::from_nanos(nanos),
            _ => default,
        };
        Some(Self {
            command,
            interval: or(asked.interval, INTERVAL),
            timeout: or(asked.timeout, TIMEOUT),
            start_period: or(asked.start_period, Duration::ZERO),
            start_interval: or(asked.start_interval, START_INTERVAL),
            retries: if asked.retries > 0 {
                asked.retries
            } else {
                RETRIES
            },
        })
    }

    /// How long to wait for the next probe.
    pub(super) fn pause(
        &self,
        status: HealthStatus,
        started_at: Timestamp,
        now: Timestamp,
    ) -> Duration {
        let is_early = now.since(started_at) < self.start_period;
        if is_early && status == HealthStatus::Starting {
            self.start_interval
        } else {
            self.interval
        }
    }
}

fn shell(config: &ContainerConfig) -> Vec<String> {
    match config.shell.as_ref().filter(|shell| !shell.is_empty()) {
        Some(shell) => shell.clone(),
        None => vec!["/bin/sh".to_owned(), "-c".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use lockgate_types::container::Healthcheck;

    use super::*;

    fn command(test: &[&str], shell: Option<&[&str]>) -> Option<Vec<String>> {
        let list = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        let config = ContainerConfig {
            healthcheck: Some(Healthcheck {
                test: Some(list(test)),
                ..Healthcheck::default()
            }),
            shell: shell.map(list),
            ..ContainerConfig::default()
        };
        Check::of(&config).map(|check| check.command)
    }

    #[test]
    fn a_check_is_a_command_or_a_line_for_the_containers_shell() {
        assert_eq!(command(&["CMD", "a", "b"], None).unwrap(), ["a", "b"]);
        assert_eq!(
            command(&["CMD-SHELL", "a b"], None).unwrap(),
            ["/bin/sh", "-c", "a b"]
        );
        let bash = Some(&["/bin/bash", "-ec"][..]);
        assert_eq!(
            command(&["CMD-SHELL", "a"], bash).unwrap(),
            ["/bin/bash", "-ec", "a"]
        );
        for none in [&["NONE"][..], &[], &["WHAT", "a"]] {
            assert_eq!(command(none, None), None);
        }
    }

    #[test]
    fn what_is_not_said_is_as_in_docker() {
        let config = ContainerConfig {
            healthcheck: Some(Healthcheck {
                test: Some(vec!["CMD".to_owned(), "a".to_owned()]),
                ..Healthcheck::default()
            }),
            ..ContainerConfig::default()
        };
        let check = Check::of(&config).unwrap();
        assert_eq!(check.interval.as_secs(), 30);
        assert_eq!(check.timeout.as_secs(), 30);
        assert_eq!(check.start_period.as_secs(), 0);
        assert_eq!(check.start_interval.as_secs(), 5);
        assert_eq!(check.retries, 3);
    }
}
