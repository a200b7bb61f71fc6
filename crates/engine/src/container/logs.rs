//! A container's log.

use super::error::LogsError;
use super::state::Status;
use super::{Containers, log_driver};
use crate::log::{LogQuery, LogStream};

impl Containers {
    /// A container's log.
    #[expect(
        clippy::unused_async,
        reason = "like all operations; it may come to wait for its driver"
    )]
    pub async fn logs(&self, name: &str, query: LogQuery) -> Result<LogStream, LogsError> {
        if !query.stdout && !query.stderr {
            return Err(LogsError::NoStream);
        }
        let container = self.inner.registry.find(name)?;
        let facts = container.facts();
        if matches!(facts.state.status, Status::Dead | Status::Removing) {
            return Err(LogsError::Removing);
        }
        let path = log_driver::path(&container, &facts.record).ok_or(LogsError::Unreadable)?;
        let life = facts
            .state
            .status
            .has_process()
            .then(|| container.lifeline());
        let raw = facts.record.config.tty;
        Ok(LogStream::open(path, query, raw, life))
    }
}
