//! Who is told of decisions: the counters, and those who learn from them.

use std::sync::Arc;

use bytes::Bytes;
use lockgate_access::{Decided, Lesson, Observer};
use tokio::sync::broadcast::{Receiver, Sender};

use crate::metrics::Metrics;

/// So many decisions may wait for a slow reader before it misses some.
const KEPT: usize = 4096;

/// A decision on its way to whoever learns.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// The identity, as its objects are marked.
    pub(crate) who: String,
    /// A JSON object and a line feed.
    pub(crate) line: Bytes,
}

/// Hands decisions on.
#[derive(Debug)]
pub(crate) struct Watch {
    metrics: Arc<Metrics>,
    sightings: Sender<Sighting>,
}

impl Watch {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            sightings: Sender::new(KEPT),
        }
    }

    /// All decisions from now on.
    pub(crate) fn sightings(&self) -> Receiver<Sighting> {
        self.sightings.subscribe()
    }
}

impl Observer for Watch {
    fn decided(&self, decided: &Decided<'_>) {
        self.metrics.decided(decided);
        if self.sightings.receiver_count() == 0 {
            return;
        }
        let sighting = Sighting {
            who: decided.principal.owner(),
            line: format!("{}\n", Lesson::line(decided)).into(),
        };
        // Nobody is left to hear it.
        drop(self.sightings.send(sighting));
    }
}
