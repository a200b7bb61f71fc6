//! The end of a container's process: found out, made durable, told, and followed by a restart or
//! a removal.

use std::sync::Arc;
use std::time::Duration;

use lockgate_runtime::protocol::ExitRecord;
use lockgate_types::Timestamp;
use tokio::time::Instant;

use super::driver::{Driver, Supervisor};
use super::events;
use super::handle::{Failure, Order};
use super::queue::Progress;
use super::record::EXIT;
use super::request::RemoveOptions;
use super::start::{clean, let_go};
use super::state::{Cause, NetworkState};
use crate::host;
use crate::shim::{self, LinkEvent};

/// The first delay before a restart by policy; it doubles with each one.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_mins(1);
/// A container that ran that long has recovered: the delay begins anew.
const RECOVERED: Duration = Duration::from_secs(10);
/// How long the last shim may go on delivering output to slow clients when the next one is to start.
const SHIM_END: Duration = Duration::from_secs(2);

impl Driver {
    /// The process has ended, the log is complete and the shim has recorded the exit.
    pub(super) async fn exited(&mut self, exit: ExitRecord) {
        // It may still deliver output to slow clients: that is nobody's business here.
        if let Supervisor::Shim(link) = std::mem::replace(&mut self.supervisor, Supervisor::None) {
            self.lingering = Some(link);
        }
        self.finish(exit, String::new()).await;
    }

    /// Waits for the last run's shim: its socket has the name that the next one needs.
    pub(super) async fn await_last_shim(&mut self) {
        let Some(mut link) = self.lingering.take() else {
            return;
        };
        let gone = async {
            loop {
                match link.next_event().await {
                    LinkEvent::Lost => return,
                    LinkEvent::Shim(event) => tracing::debug!(?event, "news after the exit"),
                }
            }
        };
        if tokio::time::timeout(SHIM_END, gone).await.is_err() {
            tracing::warn!(container = %self.container.id, "the last shim lingers, it is ended");
            link.kill_peer();
        }
    }

    /// The shim hung up without telling of an exit.
    pub(super) async fn shim_lost(&mut self) {
        self.supervisor = Supervisor::None;
        if let Some(exit) = read_exit(&self.container.directory) {
            self.finish(exit, String::new()).await;
            return;
        }
        match witness(self.state.pid, self.state.pid_started) {
            Some(supervisor) => {
                tracing::error!(container = %self.container.id, "the shim died, the container lives");
                self.supervisor = supervisor;
                SHIM_DIED.clone_into(&mut self.state.error);
                self.commit();
            }
            None => self.finish(unknown_exit(), SHIM_DIED.to_owned()).await,
        }
    }

    /// A process whose shim had died has ended; nobody knows how.
    pub(super) async fn orphan_ended(&mut self) {
        self.supervisor = Supervisor::None;
        let exit = read_exit(&self.container.directory).unwrap_or_else(unknown_exit);
        self.finish(exit, SHIM_DIED.to_owned()).await;
    }

    /// Everything that follows an exit, in dockerd's order of events.
    pub(super) async fn finish(&mut self, exit: ExitRecord, error: String) {
        self.kill_at = None;
        self.end_health();
        let network = std::mem::take(&mut self.state.network);
        self.let_go(&network).await;
        self.engine
            .execs
            .container_ended(&self.engine, &self.container.id);
        let progress = self.queue.progress();
        let restarts = progress.is_none() && self.policy_restarts(exit.exit_code);
        let lasted = exit.finished_at.since(self.state.started_at);
        let state = &mut self.state;
        state.pid = 0;
        state.exit_code = exit.exit_code;
        state.oom_killed |= exit.oom_killed;
        state.finished_at = exit.finished_at;
        state.error = error;
        self.change(if restarts {
            Cause::ExitRestart
        } else {
            Cause::Exit
        });
        let removes = match progress {
            Some(Progress::Remove) => true,
            Some(Progress::Restart) => false,
            Some(Progress::Stop) | None => self.record.host_config.auto_remove && !restarts,
        };
        if removes {
            self.publish();
        } else {
            self.commit();
        }
        self.tell_exit(&network, exit, lasted, restarts);
        // A removal cleans up as well.
        if !removes {
            self.clean_up().await;
        }
        if restarts {
            self.schedule_restart(lasted);
        }
        self.follow_up(progress, removes).await;
    }

    fn tell_exit(
        &self,
        network: &NetworkState,
        exit: ExitRecord,
        lasted: Duration,
        restarts: bool,
    ) {
        let (engine, record) = (&self.engine, &self.record);
        events::networks(engine, record, network, "disconnect");
        events::volumes(engine, record, "unmount");
        if self
            .queue
            .joined()
            .any(|request| matches!(request.order, Order::Stop(_) | Order::Restart(_)))
        {
            events::container(engine, record, "stop", []);
        }
        let facts = [
            ("execDuration", lasted.as_secs().to_string()),
            ("exitCode", exit.exit_code.to_string()),
        ];
        events::container(engine, record, "die", facts);
        self.container.live(|life| {
            life.running = false;
            life.restarting = restarts;
            life.exits += 1;
            life.exit_code = exit.exit_code;
        });
    }

    /// What waited for the exit is done now.
    async fn follow_up(&mut self, progress: Option<Progress>, removes: bool) {
        let answer = match progress {
            Some(Progress::Restart) => {
                let answer = self.start_on_request().await;
                if answer.is_ok() {
                    events::container(&self.engine, &self.record, "restart", []);
                }
                answer
            }
            Some(Progress::Remove) => {
                let options = self
                    .queue
                    .joined()
                    .find_map(|request| match &request.order {
                        Order::Remove(options) => Some(*options),
                        _ => None,
                    });
                let mut options = options.unwrap_or_default();
                options.volumes |= self.record.host_config.auto_remove;
                self.remove(options).await
            }
            Some(Progress::Stop) | None if removes => {
                // Who asked for the stop need not wait for the removal.
                self.answer_finished(&Ok(Vec::new()));
                self.remove(RemoveOptions {
                    volumes: true,
                    force: true,
                    link: false,
                })
                .await
            }
            Some(Progress::Stop) | None => Ok(Vec::new()),
        };
        if let Err(Failure::Fault(fault)) = &answer {
            tracing::warn!(container = %self.container.id, %fault, "after the exit");
        }
        self.answer_finished(&answer);
    }

    /// Gives back addresses, ports and volumes: free before anybody is told of the exit.
    async fn let_go(&self, network: &NetworkState) {
        let holds_volumes = self
            .record
            .mounts
            .iter()
            .any(|mount| !mount.point.name.is_empty());
        let shares_memory = self.record.host_config.ipc_mode == "shareable";
        if !holds_volumes
            && !shares_memory
            && network
                .endpoints
                .iter()
                .all(|joined| joined.endpoint.is_none())
        {
            return;
        }
        let engine = Arc::clone(&self.engine);
        let record = Arc::clone(&self.record);
        let network = network.clone();
        let leaving = tokio::task::spawn_blocking(move || let_go(&engine, &record, &network));
        if let Err(error) = leaving.await {
            tracing::error!(%error, "giving back networks and volumes failed");
        }
    }

    async fn clean_up(&self) {
        let container = Arc::clone(&self.container);
        let cgroup = super::spec::cgroup_path(&self.engine.config, &self.record);
        let cleaning =
            tokio::task::spawn_blocking(move || clean(&container.run_directory, Some(&cgroup)));
        if let Err(error) = cleaning.await {
            tracing::error!(%error, "cleaning up after an exit failed");
        }
    }

    /// Whether the policy wants the container up again.
    pub(super) fn policy_restarts(&self, exit_code: i32) -> bool {
        let policy = &self.record.host_config.restart_policy;
        if self.state.manually_stopped {
            return false;
        }
        match policy.name.as_str() {
            "always" | "unless-stopped" => true,
            "on-failure" => {
                let most = policy.maximum_retry_count;
                exit_code != 0 && (most == 0 || self.state.restart_count < most)
            }
            _ => false,
        }
    }

    pub(super) fn schedule_restart(&mut self, lasted: Duration) {
        self.delay = next_delay(self.delay, lasted);
        self.restart_at = Some(Instant::now() + self.delay);
    }

    /// The delay is over.
    pub(super) async fn restart_by_policy(&mut self) {
        self.state.restart_count += 1;
        if let Err(failure) = self.start().await {
            tracing::warn!(container = %self.container.id, ?failure, "cannot restart a container");
        }
    }
}

/// 100 ms, doubled with each restart up to a minute, from the start again after ten good seconds.
fn next_delay(last: Duration, lasted: Duration) -> Duration {
    if last.is_zero() || lasted >= RECOVERED {
        FIRST_DELAY
    } else {
        (last * 2).min(LONGEST_DELAY)
    }
}

/// The shim's record of the exit.
pub(crate) fn read_exit(directory: &std::path::Path) -> Option<ExitRecord> {
    serde_json::from_slice(&std::fs::read(directory.join(EXIT)).ok()?).ok()
}

/// A process that is still the one that was started, watched without its shim.
pub(crate) fn witness(pid: i32, started: u64) -> Option<Supervisor> {
    // The handle first, then the look: it cannot be another process that got the number later.
    let process = shim::pidfd(pid).ok()?;
    (host::process_start(pid) == Some(started)).then(|| Supervisor::orphan(process).ok())?
}

/// What is said of an exit that nobody saw.
pub(crate) fn unknown_exit() -> ExitRecord {
    ExitRecord {
        exit_code: 255,
        oom_killed: false,
        finished_at: Timestamp::now(),
    }
}

pub(crate) const SHIM_DIED: &str = "the container's shim died: its output and exit code are lost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute_and_begin_anew_after_a_good_run() {
        let short = Duration::from_secs(1);
        let mut delay = Duration::ZERO;
        let mut seen = Vec::new();
        for _ in 0..12 {
            delay = next_delay(delay, short);
            seen.push(delay.as_millis());
        }
        assert_eq!(seen[..4], [100, 200, 400, 800]);
        assert_eq!(seen[11], 60_000);
        assert_eq!(next_delay(delay, RECOVERED), FIRST_DELAY);
    }
}
