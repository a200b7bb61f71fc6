//! When a driver probes, and what it does with the results.

use std::future::pending;

use lockgate_types::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Check, Health, HealthProbe, HealthStatus, probe};
use crate::container::driver::Driver;
use crate::container::events;
use crate::exec::Execs;

/// Probes a running container from time to time.
pub(in crate::container) struct Monitor {
    check: Check,
    next: Instant,
    probe: Option<Probe>,
}

/// A probe under way. Dropped, it is killed.
struct Probe {
    result: oneshot::Receiver<HealthProbe>,
    _wanted: oneshot::Sender<()>,
}

/// What a monitor tells its driver.
pub(in crate::container) enum Beat {
    /// It is time to probe.
    Due,
    /// A probe has ended.
    Probed(HealthProbe),
}

impl Monitor {
    /// The next news; never any without a monitor. Safe to drop half way.
    pub(in crate::container) async fn next(monitor: &mut Option<Self>) -> Beat {
        let Some(monitor) = monitor else {
            return pending().await;
        };
        let Some(probe) = &mut monitor.probe else {
            tokio::time::sleep_until(monitor.next).await;
            return Beat::Due;
        };
        if let Ok(result) = (&mut probe.result).await {
            Beat::Probed(result)
        } else {
            // Its task has panicked: no result, and the next one comes at its time.
            monitor.probe = None;
            pending().await
        }
    }
}

impl Driver {
    /// The container begins to run, or a new engine has found it running.
    pub(in crate::container) fn begin_health(&mut self) {
        match Check::of(&self.record.config) {
            Some(_) => self.state.health.get_or_insert_default().begin(),
            None => self.state.health = None,
        }
        self.watch_health();
    }

    /// Probes from now on, if the container has a check.
    pub(in crate::container) fn watch_health(&mut self) {
        self.monitor = Check::of(&self.record.config).map(|check| Monitor {
            next: Instant::now() + self.until_probe(&check),
            check,
            probe: None,
        });
    }

    /// Nobody probes any more. Docker calls what is not probed unhealthy, without an event.
    pub(in crate::container) fn end_health(&mut self) {
        if self.monitor.take().is_some()
            && let Some(health) = &mut self.state.health
        {
            health.status = HealthStatus::Unhealthy;
        }
    }

    pub(in crate::container) fn beat(&mut self, beat: Beat) {
        match beat {
            Beat::Due => self.begin_probe(),
            Beat::Probed(result) => self.probed(result),
        }
    }

    fn begin_probe(&mut self) {
        let execs = Execs::new(std::sync::Arc::clone(&self.engine));
        let id = self.container.id.clone();
        let Some(monitor) = &mut self.monitor else {
            return;
        };
        let (answer, result) = oneshot::channel();
        let (wanted, given_up) = oneshot::channel();
        let check = monitor.check.clone();
        monitor.probe = Some(Probe {
            result,
            _wanted: wanted,
        });
        tokio::spawn(async move {
            // A probe that was given up has nobody to tell.
            drop(answer.send(probe::run(&execs, &id, &check, given_up).await));
        });
    }

    fn probed(&mut self, result: HealthProbe) {
        let Some(monitor) = &mut self.monitor else {
            return;
        };
        monitor.probe = None;
        let health = self.state.health.get_or_insert_default();
        let before = health.status;
        health.take(result, &monitor.check, self.state.started_at);
        let after = health.status;
        let check = monitor.check.clone();
        let next = Instant::now() + self.until_probe(&check);
        if let Some(monitor) = &mut self.monitor {
            monitor.next = next;
        }
        self.commit();
        if after != before {
            let action = format!("health_status: {}", after.as_str());
            events::container(&self.engine, &self.record, &action, []);
        }
    }

    fn until_probe(&self, check: &Check) -> std::time::Duration {
        let status = self
            .state
            .health
            .as_ref()
            .map_or(HealthStatus::Starting, |health: &Health| health.status);
        check.pause(status, self.state.started_at, Timestamp::now())
    }
}
