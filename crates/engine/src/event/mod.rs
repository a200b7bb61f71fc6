//! The event bus: a ring of the last events, and live subscribers.

use lockgate_types::Timestamp;
use lockgate_types::event::Event;

use crate::filter::{FilterError, Filters};

/// How many events are kept for `since`.
const RING: usize = 256;

/// Which events a subscriber wants.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Replay events from this time on; without it only new ones.
    pub since: Option<Timestamp>,
    /// End at this time; without it the stream does not end.
    pub until: Option<Timestamp>,
    /// `type`, `event`, `container`, `image`, `label`, `network`, `volume`, `daemon`, `scope`.
    pub filters: Filters,
}

/// The event bus of an engine.
#[derive(Debug)]
pub struct Events {}

impl Events {
    /// Past events since `query.since`, then live ones until `query.until`.
    pub fn subscribe(&self, _query: EventQuery) -> Result<EventStream, FilterError> {
        todo!("{RING}")
    }
}

/// A subscription; dropping it ends it.
#[derive(Debug)]
pub struct EventStream {}

impl EventStream {
    /// The next event, or `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        todo!("next event")
    }
}
