//! The size of a container's terminal.

use lockgate_runtime::protocol::Request as ShimRequest;

use super::error::{FaultError, ResizeError};
use super::{Containers, events};
use crate::shim;

impl Containers {
    /// Sets the size of a container's terminal.
    pub async fn resize(&self, name: &str, height: u16, width: u16) -> Result<(), ResizeError> {
        let container = self.inner.registry.find(name)?;
        let facts = container.facts();
        if !facts.state.status.has_process() {
            return Err(ResizeError::NotRunning(container.id.clone()));
        }
        let request = ShimRequest::Resize {
            exec: None,
            height,
            width,
        };
        match shim::ask(&container.socket(), &request).await {
            Ok(_) | Err(shim::ShimError::Failed(_)) => {}
            Err(error) => return Err(FaultError::Shim(error.to_string()).into()),
        }
        let size = [("height", height.to_string()), ("width", width.to_string())];
        events::container(&self.inner, &facts.record, "resize", size);
        Ok(())
    }
}
