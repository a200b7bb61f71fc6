//! Waiting for a container to stop or to go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use lockgate_types::ErrorKind;

use super::Containers;
use super::error::LookupError;
use super::handle::Lifeline;

/// What to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitCondition {
    /// The next exit, even if the container does not run now.
    NextExit,
    /// That it does not run; holds at once for a created or exited container, but not for one that
    /// waits for its restart.
    #[default]
    NotRunning,
    /// That it is removed.
    Removed,
}

/// The text names no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid condition: \"{0}\"")]
pub struct WaitConditionError(String);

impl WaitConditionError {
    /// Always the caller's fault.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

impl FromStr for WaitCondition {
    type Err = WaitConditionError;

    fn from_str(text: &str) -> Result<Self, WaitConditionError> {
        match text {
            "" | "not-running" => Ok(Self::NotRunning),
            "next-exit" => Ok(Self::NextExit),
            "removed" => Ok(Self::Removed),
            _ => Err(WaitConditionError(text.to_owned())),
        }
    }
}

/// How the wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitResult {
    /// The exit code.
    pub status_code: i64,
    /// Why the condition could not be reached, if so.
    pub error: Option<String>,
}

/// A wait; dropping it ends it.
pub struct Wait(Pin<Box<dyn Future<Output = WaitResult> + Send>>);

impl Containers {
    /// A future that ends when `condition` holds. The container is looked up, and its exits are
    /// counted, at once.
    pub fn wait(&self, name: &str, condition: WaitCondition) -> Result<Wait, LookupError> {
        let container = self.inner.registry.find(name)?;
        let mut life = container.lifeline();
        let before = life.borrow_and_update().exits;
        let holds = move |now: &Lifeline| {
            now.removed
                || match condition {
                    WaitCondition::NextExit => now.exits > before,
                    WaitCondition::NotRunning => {
                        !(now.running || now.restarting) || now.exits > before
                    }
                    WaitCondition::Removed => false,
                }
        };
        Ok(Wait(Box::pin(async move {
            let ended = life.wait_for(holds).await.map(|now| now.exit_code);
            // Keeps the sender alive for as long as anybody waits.
            drop(container);
            match ended {
                Ok(code) => WaitResult {
                    status_code: i64::from(code),
                    error: None,
                },
                Err(_) => WaitResult {
                    status_code: -1,
                    error: Some("the engine is shutting down".to_owned()),
                },
            }
        })))
    }
}

impl Future for Wait {
    type Output = WaitResult;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WaitResult> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}
