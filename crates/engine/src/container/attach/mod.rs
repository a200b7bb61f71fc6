//! Attaching to a container's standard streams.

pub(crate) mod keys;
mod slot;
mod stream;

use std::sync::Arc;

use lockgate_runtime::protocol::Request;
use lockgate_types::event::EventKind;
use tokio::net::UnixStream;

use super::error::AttachError;
use super::handle::Container;
use super::state::Status;
use super::{Containers, events};
use crate::log::{LogQuery, LogStream};
use crate::shim;

pub(crate) use slot::{Slot, Wanted};
pub use stream::AttachStream;
pub(crate) use stream::{Duplex, StdinEnd};

/// Which streams, and how.
#[derive(Clone, Debug, Default)]
pub struct AttachQuery {
    /// Deliver the log so far first.
    pub logs: bool,
    /// Stay attached and deliver what comes.
    pub stream: bool,
    /// With standard input.
    pub stdin: bool,
    /// With standard output.
    pub stdout: bool,
    /// With standard error.
    pub stderr: bool,
    /// The keys that detach from a terminal; `None` is `ctrl-p,ctrl-q`.
    pub detach_keys: Option<String>,
}

impl Containers {
    /// A container's standard streams; it need not run yet.
    pub async fn attach(
        &self,
        name: &str,
        query: AttachQuery,
    ) -> Result<AttachStream, AttachError> {
        let keys = match query.detach_keys.as_deref() {
            None | Some("") => keys::DEFAULT.to_vec(),
            Some(text) => {
                keys::parse(text).ok_or_else(|| AttachError::DetachKeys(text.to_owned()))?
            }
        };
        let container = self.inner.registry.find(name)?;
        let facts = container.facts();
        match facts.state.status {
            Status::Paused => return Err(AttachError::Paused(container.id.clone())),
            Status::Restarting => return Err(AttachError::Restarting(container.id.clone())),
            _ => {}
        }
        let log = if query.logs {
            Some(self.log_so_far(name, &query).await?)
        } else {
            None
        };
        let config = &facts.record.config;
        let wanted = Wanted {
            stdin: query.stdin && config.open_stdin,
            stdout: query.stdout,
            stderr: query.stderr,
        };
        let duplex = if query.stream {
            let slot = connect(&container, wanted, facts.state.status).await;
            let end = match (wanted.stdin, config.stdin_once && !config.tty) {
                (false, _) => StdinEnd::Ignore,
                (true, true) => StdinEnd::Close,
                (true, false) => StdinEnd::Detach,
            };
            let keys = (config.tty && wanted.stdin).then_some(keys);
            Some(Duplex::new(slot, end, keys))
        } else {
            None
        };
        events::container(&self.inner, &facts.record, "attach", []);
        let inner = Arc::clone(&self.inner);
        let record = Arc::clone(&facts.record);
        Ok(AttachStream::new(log, duplex, config.tty, move || {
            let attributes = events::attributes(&record, []);
            inner.events.publish(
                EventKind::Container,
                "detach",
                record.id.as_str(),
                attributes,
            );
        }))
    }

    async fn log_so_far(&self, name: &str, query: &AttachQuery) -> Result<LogStream, AttachError> {
        let query = LogQuery {
            stdout: query.stdout,
            stderr: query.stderr,
            ..LogQuery::default()
        };
        Ok(self.logs(name, query).await?)
    }
}

/// A slot for the container's streams: filled at once if it runs, else when it is started.
async fn connect(container: &Container, wanted: Wanted, status: Status) -> Arc<Slot> {
    let slot = Arc::new(Slot::new(wanted));
    if status.has_process()
        && let Some(stream) = open(container, wanted).await
    {
        slot.fill(Some(stream));
        return slot;
    }
    container.park(Arc::clone(&slot));
    // It may have been started between the look at its state and the parking.
    if container.facts().state.status.has_process() {
        fill_parked(container).await;
    }
    slot
}

/// Connects all attachments that wait; called before the container's process is let go.
pub(crate) async fn fill_parked(container: &Container) {
    for slot in container.take_parked() {
        slot.fill(open(container, slot.wanted).await);
    }
}

async fn open(container: &Container, wanted: Wanted) -> Option<UnixStream> {
    let Wanted {
        stdin,
        stdout,
        stderr,
    } = wanted;
    let request = Request::Attach {
        stdin,
        stdout,
        stderr,
    };
    match shim::open_stream(&container.socket(), &request).await {
        Ok((_, stream)) => Some(stream),
        Err(error) => {
            tracing::debug!(container = %container.id, %error, "cannot attach");
            None
        }
    }
}
