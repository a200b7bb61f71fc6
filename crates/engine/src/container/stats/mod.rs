//! Resource usage of containers.

mod sample;
mod view;

use std::sync::Arc;
use std::time::Duration;

use lockgate_types::Timestamp;

use super::Containers;
use super::error::StatsError;
use super::handle::Container;
use crate::engine::Inner;

pub use view::{
    BlkioEntry, BlkioStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, Stats,
    ThrottlingData,
};

/// The time between two samples.
const PERIOD: Duration = Duration::from_secs(1);

/// How often.
#[derive(Clone, Copy, Debug)]
pub struct StatsQuery {
    /// One sample a second until the client goes.
    pub stream: bool,
    /// Without `stream`: do not take two samples, leave `precpu_stats` zero.
    pub one_shot: bool,
}

/// A stream of samples.
pub struct StatsStream {
    engine: Arc<Inner>,
    container: Arc<Container>,
    query: StatsQuery,
    last: Option<Stats>,
    done: bool,
}

impl Containers {
    /// Resource usage, once or every second.
    #[expect(
        clippy::unused_async,
        reason = "like all operations; it may come to wait for its driver"
    )]
    pub async fn stats(&self, name: &str, query: StatsQuery) -> Result<StatsStream, StatsError> {
        let container = self.inner.registry.find(name)?;
        let engine = Arc::clone(&self.inner);
        Ok(StatsStream {
            engine,
            container,
            query,
            last: None,
            done: false,
        })
    }
}

impl StatsStream {
    /// The next sample, or `None` at the end.
    pub async fn next(&mut self) -> Option<Stats> {
        if self.done || self.container.lifeline().borrow().removed {
            return None;
        }
        if self.last.is_some() {
            tokio::time::sleep(PERIOD).await;
        }
        let mut sample = self.sample().await;
        if !self.query.stream {
            self.done = true;
            let runs = self.container.facts().state.status.has_process();
            if !self.query.one_shot && runs {
                self.last = Some(sample);
                tokio::time::sleep(PERIOD).await;
                sample = self.sample().await;
            }
        }
        self.last = Some(sample.clone());
        Some(sample)
    }

    /// A sample with the processor times of the one before.
    async fn sample(&self) -> Stats {
        let engine = Arc::clone(&self.engine);
        let facts = self.container.facts();
        let record = Arc::clone(&facts.record);
        let taking = tokio::task::spawn_blocking(move || sample::take(&engine.config, &facts));
        let mut stats = taking.await.ok().flatten().unwrap_or_else(sample::zero);
        stats.name = format!("/{}", record.name);
        stats.id = Some(record.id.clone());
        if let Some(last) = self.last.as_ref().filter(|_| stats.read != Timestamp::ZERO) {
            stats.preread = last.read;
            stats.precpu_stats = last.cpu_stats.clone();
        }
        stats
    }
}

impl std::fmt::Debug for StatsStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatsStream")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}
