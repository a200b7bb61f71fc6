//! Whether a container is well.
//!
//! ```text
//! start, unpause ──► wait for the interval ──► probe (an exec) ──► take the result ──┐
//!                          ▲                        │ timeout: killed, counts as -1  │
//!                          └─────────────────────────────────────────────────────────┘
//! pause, exit: the probe under way is killed; the status is `unhealthy` until a probe says otherwise
//! ```
//!
//! One probe runs at a time, in a task of its own; the driver takes its result. What is known is part
//! of `state.json`; a new daemon goes on with the log, and with `starting`, as dockerd does.

mod check;
mod drive;
mod probe;

use std::collections::VecDeque;

use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use check::Check;
pub(super) use drive::Monitor;

/// How many results are kept.
const LOG: usize = 5;

/// What is known of a container's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// How it is.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: i64,
    /// The last results, oldest first.
    pub log: VecDeque<HealthProbe>,
}

/// How a container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// No probe has succeeded or failed often enough yet.
    #[default]
    Starting,
    /// The last probe succeeded, or too few have failed since.
    Healthy,
    /// Too many probes failed, or nobody probes.
    Unhealthy,
}

/// The result of one probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthProbe {
    /// When it was begun.
    pub start: Timestamp,
    /// When its result was known.
    pub end: Timestamp,
    /// 0 is well; -1 stands for a probe that could not be run or took too long.
    pub exit_code: i32,
    /// What it wrote, at most 4096 bytes of it.
    pub output: String,
}

impl HealthStatus {
    /// Docker's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Health {
    /// A container begins to run: what was learnt before counts no more, but stays in the log.
    pub(super) fn begin(&mut self) {
        self.status = HealthStatus::Starting;
        self.failing_streak = 0;
    }

    /// Takes the result of a probe of a container that runs since `started_at`.
    pub(super) fn take(&mut self, probe: HealthProbe, check: &Check, started_at: Timestamp) {
        let is_well = probe.exit_code == 0;
        let is_early = probe.start.since(started_at) < check.start_period;
        while self.log.len() >= LOG {
            self.log.pop_front();
        }
        self.log.push_back(probe);
        if is_well {
            self.failing_streak = 0;
            self.status = HealthStatus::Healthy;
        } else if self.status != HealthStatus::Starting || !is_early {
            self.failing_streak += 1;
            if self.failing_streak >= check.retries {
                self.status = HealthStatus::Unhealthy;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lockgate_types::container::{ContainerConfig, Healthcheck};

    use super::*;

    fn at(seconds: i128) -> Timestamp {
        Timestamp::from_unix_nanos(seconds * 1_000_000_000)
    }

    fn probe(second: i128, exit_code: i32) -> HealthProbe {
        HealthProbe {
            start: at(second),
            end: at(second),
            exit_code,
            output: String::new(),
        }
    }

    fn check(start_period: i64, retries: i64) -> Check {
        let healthcheck = Healthcheck {
            test: Some(vec!["CMD-SHELL".to_owned(), "true".to_owned()]),
            start_period: start_period * 1_000_000_000,
            retries,
            ..Healthcheck::default()
        };
        Check::of(&ContainerConfig {
            healthcheck: Some(healthcheck),
            ..ContainerConfig::default()
        })
        .unwrap()
    }

    #[test]
    fn failures_in_a_row_make_unhealthy_and_one_success_healthy() {
        let (check, mut health) = (check(0, 2), Health::default());
        let mut seen = Vec::new();
        for (second, code) in [1, 0, 1, 0, 1, 3, 1, 0].into_iter().enumerate() {
            health.take(probe(second as i128, code), &check, at(0));
            seen.push((health.status.as_str(), health.failing_streak));
        }
        assert_eq!(
            seen,
            [
                ("starting", 1),
                ("healthy", 0),
                ("healthy", 1),
                ("healthy", 0),
                ("healthy", 1),
                ("unhealthy", 2),
                ("unhealthy", 3),
                ("healthy", 0),
            ]
        );
        assert_eq!(health.log.len(), LOG);
        assert_eq!(health.log[0].start, at(3));
    }

    #[test]
    fn failures_while_starting_do_not_count_in_the_start_period() {
        let (check, mut health) = (check(10, 1), Health::default());
        health.take(probe(9, 1), &check, at(0));
        assert_eq!(
            (health.status, health.failing_streak),
            (HealthStatus::Starting, 0)
        );
        health.take(probe(10, 1), &check, at(0));
        assert_eq!(health.status, HealthStatus::Unhealthy);
        // Once it has been well the period is over.
        health.take(probe(5, 0), &check, at(0));
        health.take(probe(6, 1), &check, at(0));
        assert_eq!(health.status, HealthStatus::Unhealthy);
    }

    #[test]
    fn probes_come_faster_while_starting_within_the_start_period() {
        let mut check = check(10, 1);
        check.interval = Duration::from_secs(30);
        check.start_interval = Duration::from_secs(2);
        let pause = |status, second| check.pause(status, at(0), at(second)).as_secs();
        assert_eq!(pause(HealthStatus::Starting, 1), 2);
        assert_eq!(pause(HealthStatus::Healthy, 1), 30);
        assert_eq!(pause(HealthStatus::Starting, 10), 30);
    }
}
