//! The event bus: a ring of the last events, and live subscribers.

mod filter;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockgate_types::Timestamp;
use lockgate_types::event::{Event, EventKind};
use tokio::sync::broadcast;

use crate::filter::{FilterError, Filters};

/// How many events are kept for `since`.
const RING: usize = 512;
/// How many events a slow subscriber may lag behind before it misses some.
const BACKLOG: usize = 1024;

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

/// The event bus of an engine. Events are published after what they tell of is durable, and
/// publishing never fails.
pub struct Events {
    ring: Mutex<VecDeque<Arc<Event>>>,
    live: broadcast::Sender<Arc<Event>>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            ring: Mutex::default(),
            live: broadcast::Sender::new(BACKLOG),
        }
    }

    /// Past events since `query.since`, then live ones until `query.until`.
    pub fn subscribe(&self, query: EventQuery) -> Result<EventStream, FilterError> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.live.subscribe();
        let past = match query.since {
            Some(since) => ring
                .iter()
                .filter(|event| event.time >= since)
                .cloned()
                .collect(),
            None => VecDeque::new(),
        };
        drop(ring);
        Ok(EventStream { past, live, query })
    }

    /// How many subscribers there are.
    pub fn listeners(&self) -> usize {
        self.live.receiver_count()
    }

    /// Tells everybody.
    pub(crate) fn publish(
        &self,
        kind: EventKind,
        action: impl Into<String>,
        id: impl Into<String>,
        attributes: BTreeMap<String, String>,
    ) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let time = Timestamp::now();
        let event = Arc::new(Event {
            kind,
            action: action.into(),
            id: id.into(),
            attributes,
            time,
        });
        if ring.len() == RING {
            ring.pop_front();
        }
        ring.push_back(Arc::clone(&event));
        // Fails only if nobody listens.
        drop(self.live.send(event));
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("listeners", &self.listeners())
            .finish_non_exhaustive()
    }
}

/// A subscription; dropping it ends it.
#[derive(Debug)]
pub struct EventStream {
    past: VecDeque<Arc<Event>>,
    live: broadcast::Receiver<Arc<Event>>,
    query: EventQuery,
}

impl EventStream {
    /// The next event, or `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = match self.past.pop_front() {
                Some(event) => event,
                None => self.next_live().await?,
            };
            if self.query.until.is_some_and(|until| event.time > until) {
                return None;
            }
            if filter::matches(&self.query.filters, &event) {
                return Some(Event::clone(&event));
            }
        }
    }

    async fn next_live(&mut self) -> Option<Arc<Event>> {
        loop {
            let next = match self.query.until {
                Some(until) => {
                    let left = until.since(Timestamp::now());
                    if left > Duration::ZERO {
                        tokio::time::timeout(left, self.live.recv()).await.ok()?
                    } else {
                        // What is there already may still be from before the end.
                        return self.live.try_recv().ok();
                    }
                }
                None => self.live.recv().await,
            };
            match next {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "an events subscriber is too slow");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
