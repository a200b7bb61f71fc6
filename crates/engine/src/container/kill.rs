//! Sending a signal.

use lockgate_types::Signal;

use super::Containers;
use super::driver::Driver;
use super::error::{KillError, LookupError};
use super::handle::{Failure, Order, Request};
use super::queue::Progress;
use super::state::Status;

impl Containers {
    /// Sends a signal (a number or a name), SIGKILL by default.
    pub async fn kill(&self, name: &str, signal: Option<&str>) -> Result<(), KillError> {
        let signal = match signal {
            None | Some("") => Signal::KILL,
            Some(text) => text
                .parse()
                .map_err(|error| KillError::Signal(name.to_owned(), error))?,
        };
        let not_found = |error| KillError::Lookup(name.to_owned(), error);
        let container = self.inner.registry.find(name).map_err(not_found)?;
        match container.order(Order::Kill(signal)).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(_)) => Err(KillError::NotRunning {
                name: name.to_owned(),
                id: container.id.clone(),
            }),
            Err(Failure::Fault(fault)) => Err(KillError::Fault {
                name: name.to_owned(),
                fault,
            }),
            Err(
                Failure::Start(_)
                | Failure::Config(_)
                | Failure::NameInUse(_)
                | Failure::Network(_)
                | Failure::Gone,
            ) => Err(not_found(LookupError::NotFound(name.to_owned()))),
        }
    }
}

impl Driver {
    /// Sends a signal. A SIGKILL is answered when the process has ended.
    pub(super) async fn kill(&mut self, signal: Signal, request: Request) {
        if signal == Signal::KILL || signal == self.stop_signal() {
            self.state.manually_stopped = self.queue.progress() != Some(Progress::Restart);
        }
        if let Err(fault) = self.signal(signal).await {
            request.answer(Err(Failure::Fault(fault)));
            return;
        }
        if signal != Signal::KILL {
            // As in dockerd: a frozen process is to get what may stop it, and any signal may if none is named.
            if self.state.status == Status::Paused
                && (self.names_no_signal() || signal == self.stop_signal())
            {
                self.thaw(signal).await;
            }
            request.answer(Ok(Vec::new()));
            return;
        }
        if self.queue.progress().is_some() {
            self.queue.join(request);
        } else {
            self.queue.begin(Progress::Stop, request);
        }
        if self.state.status == Status::Paused {
            self.thaw(signal).await;
        }
    }

    /// Kills the process of a container that is to be removed.
    pub(super) async fn kill_to_remove(&mut self, request: Request) {
        self.state.manually_stopped = true;
        self.kill_at = None;
        if let Err(fault) = self.signal(Signal::KILL).await {
            request.answer(Err(Failure::Fault(fault)));
            return;
        }
        self.queue.begin(Progress::Remove, request);
        if self.state.status == Status::Paused {
            self.thaw(Signal::KILL).await;
        }
    }
}
