//! Freezing and thawing.

use lockgate_runtime::protocol::Request as ShimRequest;
use lockgate_types::ContainerId;

use super::driver::{Driver, Supervisor};
use super::error::{FaultError, LookupError, PauseError};
use super::handle::{Answer, Failure, Order};
use super::queue::Refusal;
use super::state::Cause;
use super::{Containers, events};

impl Containers {
    /// Freezes all processes of a container.
    pub async fn pause(&self, name: &str) -> Result<(), PauseError> {
        let container = self.inner.registry.find(name)?;
        let answer = container.order(Order::Pause).await;
        answer
            .map(drop)
            .map_err(|failure| error("pause", failure, name, &container.id))
    }

    /// Thaws them.
    pub async fn unpause(&self, name: &str) -> Result<(), PauseError> {
        let container = self.inner.registry.find(name)?;
        let answer = container.order(Order::Resume).await;
        answer
            .map(drop)
            .map_err(|failure| error("unpause", failure, name, &container.id))
    }
}

impl Driver {
    pub(super) async fn pause(&mut self) -> Answer {
        self.ask_freezer(&ShimRequest::Pause).await?;
        self.change(Cause::Pause);
        self.end_health();
        self.commit();
        events::container(&self.engine, &self.record, "pause", []);
        Ok(Vec::new())
    }

    pub(super) async fn resume(&mut self) -> Answer {
        self.ask_freezer(&ShimRequest::Resume).await?;
        self.change(Cause::Resume);
        self.watch_health();
        self.commit();
        events::container(&self.engine, &self.record, "unpause", []);
        Ok(Vec::new())
    }

    async fn ask_freezer(&mut self, request: &ShimRequest) -> Result<(), FaultError> {
        match &mut self.supervisor {
            Supervisor::Shim(link) => match link.request(request).await {
                Ok(_) => Ok(()),
                Err(error) => Err(FaultError::Shim(error.to_string())),
            },
            Supervisor::None | Supervisor::Orphan(_) => {
                Err(FaultError::Shim("it is not there".to_owned()))
            }
        }
    }
}

fn error(verb: &'static str, failure: Failure, name: &str, id: &ContainerId) -> PauseError {
    let id = || id.clone();
    match failure {
        Failure::Refused(Refusal::AlreadyPaused | Refusal::Paused) => {
            PauseError::AlreadyPaused(id())
        }
        Failure::Refused(Refusal::NotPaused) => PauseError::NotPaused(id()),
        Failure::Refused(Refusal::Restarting) => PauseError::Restarting(id()),
        Failure::Refused(
            Refusal::AlreadyStarted | Refusal::NotRunning | Refusal::Removing | Refusal::Running,
        ) => PauseError::NotRunning(id()),
        Failure::Fault(fault) => PauseError::Fault {
            verb,
            id: id(),
            fault,
        },
        Failure::Start(_)
        | Failure::Config(_)
        | Failure::NameInUse(_)
        | Failure::Network(_)
        | Failure::Gone => LookupError::NotFound(name.to_owned()).into(),
    }
}
