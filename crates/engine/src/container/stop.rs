//! Stopping: a signal, patience, SIGKILL.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lockgate_runtime::protocol::{Reply, Request as ShimRequest};
use lockgate_types::{Signal, SignalError};
use rustix::io::Errno;
use tokio::time::Instant;

use super::driver::{Driver, Supervisor};
use super::error::{FaultError, LookupError, StopError};
use super::handle::{Failure, Order, Request, StopOrder};
use super::queue::Progress;
use super::request::StopOptions;
use super::state::{Cause, Status};
use super::{Containers, events};
use crate::shim::ShimError;

/// Patience of containers that do not say how much they need.
const PATIENCE: i64 = 10;

impl Containers {
    /// Stops a container: its stop signal, then SIGKILL. [`StopError::AlreadyStopped`] if it does not run.
    pub async fn stop(&self, name: &str, options: StopOptions) -> Result<(), StopError> {
        let container = self.inner.registry.find(name)?;
        let order = StopOrder::parse(&options)
            .map_err(|error| StopError::Signal(name.to_owned(), error))?;
        match container.order(Order::Stop(order)).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(StopError::from_failure(failure, name, &container.id)),
        }
    }
}

impl StopOrder {
    pub(super) fn parse(options: &StopOptions) -> Result<Self, SignalError> {
        let signal = match options.signal.as_deref() {
            None | Some("") => None,
            Some(text) => Some(text.parse()?),
        };
        Ok(Self {
            timeout: options.timeout,
            signal,
        })
    }
}

impl StopError {
    pub(super) fn from_failure(
        failure: Failure,
        name: &str,
        id: &lockgate_types::ContainerId,
    ) -> Self {
        match failure {
            Failure::Refused(_) => Self::AlreadyStopped(id.clone()),
            Failure::Fault(fault) => Self::Fault {
                name: name.to_owned(),
                fault,
            },
            Failure::Start(_)
            | Failure::Config(_)
            | Failure::NameInUse(_)
            | Failure::Network(_)
            | Failure::Gone => Self::Lookup(LookupError::NotFound(name.to_owned())),
        }
    }
}

impl Driver {
    /// Begins a stop or the first half of a restart; both end with the exit.
    pub(super) async fn stop(&mut self, order: StopOrder, progress: Progress, request: Request) {
        let signal = order.signal.unwrap_or_else(|| self.stop_signal());
        let by_hand = !self.engine.shutting_down.load(Ordering::Acquire);
        self.state.manually_stopped = by_hand && progress == Progress::Stop;
        if let Err(fault) = self.signal(signal).await {
            request.answer(Err(Failure::Fault(fault)));
            return;
        }
        self.kill_at = self
            .patience(order)
            .map(|patience| Instant::now() + patience);
        self.queue.begin(progress, request);
        // A frozen process gets its signal when it goes on.
        if self.state.status == Status::Paused {
            self.thaw(signal).await;
        }
    }

    /// Another stop joins: the shorter patience counts.
    pub(super) fn hurry(&mut self, order: StopOrder) {
        if let Some(patience) = self.patience(order) {
            let at = Instant::now() + patience;
            self.kill_at = Some(self.kill_at.map_or(at, |other| other.min(at)));
        }
    }

    /// The process has not obeyed in time.
    pub(super) async fn lose_patience(&mut self) {
        self.kill_at = None;
        if let Err(fault) = self.signal(Signal::KILL).await {
            tracing::error!(container = %self.container.id, %fault, "cannot kill a container");
        }
    }

    /// Sends a signal to the container's process and tells of it.
    pub(super) async fn signal(&mut self, signal: Signal) -> Result<(), FaultError> {
        let failed = |error: String| FaultError::Shim(error);
        match &mut self.supervisor {
            Supervisor::None => return Err(failed("there is no process".to_owned())),
            Supervisor::Shim(link) => {
                let request = ShimRequest::Kill {
                    signal: signal.number(),
                    all: false,
                };
                match link.request(&request).await {
                    Ok(Reply::Done) => {}
                    Ok(_) => return Err(failed(ShimError::Unexpected.to_string())),
                    // It has ended already: the news is on its way.
                    Err(ShimError::Failed(failure)) => {
                        tracing::debug!(container = %self.container.id, failure.message, "signal");
                    }
                    Err(error) => {
                        // The link is lost, which the next turn will notice; the kernel still obeys.
                        tracing::debug!(%error, "the shim does not answer");
                        self.signal_directly(signal)?;
                    }
                }
            }
            Supervisor::Orphan(_) => self.signal_directly(signal)?,
        }
        let facts = [("signal", signal.number().to_string())];
        events::container(&self.engine, &self.record, "kill", facts);
        Ok(())
    }

    /// Without the shim. A process that has ended already is nobody's fault: the news is on its way.
    fn signal_directly(&self, signal: Signal) -> Result<(), FaultError> {
        let failed = |error: &dyn std::fmt::Display| FaultError::Shim(error.to_string());
        let named = rustix::process::Signal::from_named_raw(signal.number())
            .ok_or_else(|| failed(&"not a named signal"))?;
        let sent = crate::shim::pidfd(self.state.pid).and_then(|process| {
            if crate::host::process_start(self.state.pid) != Some(self.state.pid_started) {
                return Err(Errno::SRCH.into());
            }
            Ok(rustix::process::pidfd_send_signal(process, named)?)
        });
        match sent {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => {
                tracing::debug!(container = %self.container.id, "the process has ended");
                Ok(())
            }
            sent => sent.map_err(|error| failed(&error)),
        }
    }

    /// Lets a frozen container go on so that `signal` reaches it. Of one that is killed nothing is told.
    pub(super) async fn thaw(&mut self, signal: Signal) {
        if let Supervisor::Shim(link) = &mut self.supervisor
            && let Err(error) = link.request(&ShimRequest::Resume).await
        {
            tracing::warn!(container = %self.container.id, %error, "cannot thaw");
        }
        self.change(Cause::Resume);
        if signal == Signal::KILL {
            self.publish();
            return;
        }
        self.watch_health();
        self.commit();
        events::container(&self.engine, &self.record, "unpause", []);
    }

    fn patience(&self, order: StopOrder) -> Option<Duration> {
        let seconds = order
            .timeout
            .or(self.record.config.stop_timeout)
            .unwrap_or(PATIENCE);
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Whether the container leaves open which signal asks it to stop.
    pub(super) fn names_no_signal(&self) -> bool {
        let named = self.record.config.stop_signal.as_deref();
        named.unwrap_or_default().is_empty()
    }

    /// The signal that asks this container to stop.
    pub(super) fn stop_signal(&self) -> Signal {
        let signal = self
            .record
            .config
            .stop_signal
            .as_deref()
            .and_then(|text| text.parse().ok());
        signal.unwrap_or(Signal::TERM)
    }
}
