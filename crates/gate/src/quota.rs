//! How much each identity has of what its roles let it have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lockgate_access::IdentityLimits;
use lockgate_api::{Operation, StreamKind};

/// Which limit of an identity was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exceeded {
    #[error("too many requests in a second; the limit of this identity is {0}")]
    Requests(u32),
    #[error("too many streams at one time; the limit of this identity is {0}")]
    Streams(u32),
    #[error("too many exec sessions at one time; the limit of this identity is {0}")]
    Execs(u32),
}

impl Exceeded {
    /// The limit, as a policy names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Execs(_) => "execs",
            Self::Requests(_) => "requests_per_second",
            Self::Streams(_) => "streams",
        }
    }
}

/// What every identity uses, by the name that its objects have.
#[derive(Debug, Default)]
pub(crate) struct Quotas(Mutex<HashMap<String, Usage>>);

#[derive(Debug)]
struct Usage {
    /// Requests that may come at once, refilled as time goes by.
    tokens: f64,
    since: Instant,
    streams: u32,
    execs: u32,
}

/// A stream's place; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Slot {
    quotas: Arc<Quotas>,
    owner: String,
    is_exec: bool,
}

/// So many identities are remembered before those that use nothing are forgotten.
const REMEMBERED: usize = 1024;

impl Quotas {
    /// Counts a request; the place is for as long as its answer flows.
    pub(crate) fn enter(
        self: &Arc<Self>,
        owner: String,
        limits: IdentityLimits,
        operation: Operation,
        kind: StreamKind,
    ) -> Result<Option<Slot>, Exceeded> {
        if limits == IdentityLimits::default() {
            return Ok(None);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, usage| usage.streams > 0 || usage.since.elapsed().as_secs() < 2);
        }
        let usage = all.entry(owner.clone()).or_insert_with(|| Usage {
            tokens: f64::from(limits.requests_per_second.unwrap_or(0)),
            since: Instant::now(),
            streams: 0,
            execs: 0,
        });
        usage.request(limits)?;
        if kind == StreamKind::None {
            return Ok(None);
        }
        let is_exec = operation == Operation::ExecStart;
        usage.stream(limits, is_exec)?;
        Ok(Some(Slot {
            quotas: Arc::clone(self),
            owner,
            is_exec,
        }))
    }
}

impl Usage {
    fn request(&mut self, limits: IdentityLimits) -> Result<(), Exceeded> {
        let Some(limit) = limits.requests_per_second else {
            return Ok(());
        };
        let most = f64::from(limit);
        let refilled = self.tokens + self.since.elapsed().as_secs_f64() * most;
        self.tokens = refilled.min(most);
        self.since = Instant::now();
        if self.tokens < 1.0 {
            return Err(Exceeded::Requests(limit));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn stream(&mut self, limits: IdentityLimits, is_exec: bool) -> Result<(), Exceeded> {
        if let Some(limit) = limits.streams.filter(|limit| self.streams >= *limit) {
            return Err(Exceeded::Streams(limit));
        }
        if let Some(limit) = limits.execs.filter(|limit| is_exec && self.execs >= *limit) {
            return Err(Exceeded::Execs(limit));
        }
        self.streams += 1;
        self.execs += u32::from(is_exec);
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut all = self.quotas.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = all.get_mut(&self.owner) {
            usage.streams = usage.streams.saturating_sub(1);
            usage.execs = usage.execs.saturating_sub(u32::from(self.is_exec));
        }
    }
}
