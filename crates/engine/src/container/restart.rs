//! Stopping and starting in one.

use super::Containers;
use super::error::{LookupError, RestartError, StartError};
use super::handle::{Failure, Order, StopOrder};
use super::request::StopOptions;

impl Containers {
    /// Stops a container if it runs, and starts it.
    pub async fn restart(&self, name: &str, options: StopOptions) -> Result<(), RestartError> {
        let container = self.inner.registry.find(name)?;
        let named = || name.to_owned();
        let order = StopOrder::parse(&options).map_err(|source| RestartError::Signal {
            name: named(),
            source,
        })?;
        match container.order(Order::Restart(order)).await {
            Ok(_) => Ok(()),
            Err(Failure::Gone) => Err(LookupError::NotFound(named()).into()),
            Err(failure) => {
                let source = StartError::from_failure(failure, name, &container.id);
                Err(RestartError::Start {
                    name: named(),
                    source,
                })
            }
        }
    }
}
