//! How much each identity has of what its roles let it have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockgate_access::IdentityLimits;
use lockgate_api::{Call, Operation, StreamKind};

/// Which limit of an identity was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exceeded {
    #[error("too many requests in a second; the limit of this identity is {0}")]
    Requests(u32),
    #[error("too many streams at one time; the limit of this identity is {0}")]
    Streams(u32),
    #[error("too many exec sessions at one time; the limit of this identity is {0}")]
    Execs(u32),
    #[error("too many builds at one time; the limit of this identity is {0}")]
    Builds(u32),
    #[error("too much in request bodies at one time; the limit of this identity is {0} bytes")]
    Bodies(u64),
}

impl Exceeded {
    /// The limit, as a policy names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bodies(_) => "body_bytes",
            Self::Builds(_) => "builds",
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
    /// Refusals that were recorded in the current second, and those since that were not.
    second: Instant,
    recorded: u32,
    unrecorded: u64,
    /// Places that are out.
    places: u32,
    held: Held,
}

/// What is held at one time.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    streams: u32,
    execs: u32,
    builds: u32,
    bytes: u64,
    /// Memory for bodies that are read whole before anybody knows whether they are allowed.
    judged: u64,
}

/// A request's place; dropping it gives back what it holds.
#[derive(Debug)]
pub(crate) struct Slot {
    quotas: Arc<Quotas>,
    owner: String,
    limits: IdentityLimits,
    held: Mutex<Held>,
}

/// So many identities are remembered before those that use nothing are forgotten.
const REMEMBERED: usize = 1024;

/// So much memory is there for the judged bodies of one identity, whatever its roles are: 64 of the longest. Without
/// it, the connections that one certificate may have would be worth eight GiB.
const JUDGED: u64 = 256 << 20;

/// How many refusals of one identity are recorded in a second: whoever is refused all the time could fill the disk
/// with them, and push older records out.
const RECORDED_PER_SECOND: u32 = 100;

impl Quotas {
    /// Counts a request, whatever it will turn out to be; the place is for as long as its answer flows.
    pub(crate) fn enter(
        self: &Arc<Self>,
        owner: String,
        limits: IdentityLimits,
    ) -> Result<Arc<Slot>, Exceeded> {
        let mut all = self.lock();
        let usage = usage(&mut all, &owner, limits);
        usage.request(limits)?;
        usage.places += 1;
        Ok(Arc::new(Slot {
            quotas: Arc::clone(self),
            owner,
            limits,
            held: Mutex::default(),
        }))
    }

    /// Whether to record another refusal of this identity, and how many were not recorded before it.
    pub(crate) fn may_record(&self, owner: &str) -> Option<u64> {
        let mut all = self.lock();
        let usage = usage(&mut all, owner, IdentityLimits::default());
        if usage.second.elapsed() >= Duration::from_secs(1) {
            usage.second = Instant::now();
            usage.recorded = 0;
        }
        if usage.recorded == RECORDED_PER_SECOND {
            usage.unrecorded += 1;
            return None;
        }
        usage.recorded += 1;
        Some(std::mem::take(&mut usage.unrecorded))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one identity uses. Those that use nothing are forgotten when there are many.
fn usage<'a>(
    all: &'a mut HashMap<String, Usage>,
    owner: &str,
    limits: IdentityLimits,
) -> &'a mut Usage {
    if all.len() >= REMEMBERED && !all.contains_key(owner) {
        all.retain(|_, usage| usage.is_in_use());
    }
    all.entry(owner.to_owned()).or_insert_with(|| {
        let now = Instant::now();
        Usage {
            tokens: f64::from(limits.requests_per_second.unwrap_or(0)),
            since: now,
            second: now,
            recorded: 0,
            unrecorded: 0,
            places: 0,
            held: Held::default(),
        }
    })
}

impl Held {
    /// What a call holds from its beginning.
    fn of(call: &Call) -> Self {
        let operation = call.operation();
        let is_build = matches!(
            operation,
            Operation::ImageBuild | Operation::Session | Operation::Grpc
        );
        Self {
            streams: u32::from(call.route().stream != StreamKind::None),
            execs: u32::from(operation == Operation::ExecStart),
            builds: u32::from(is_build),
            ..Self::default()
        }
    }

    fn with(self, more: Self) -> Self {
        Self {
            streams: self.streams.saturating_add(more.streams),
            execs: self.execs.saturating_add(more.execs),
            builds: self.builds.saturating_add(more.builds),
            bytes: self.bytes.saturating_add(more.bytes),
            judged: self.judged.saturating_add(more.judged),
        }
    }
}

impl Usage {
    /// Whether forgetting it would make a difference.
    fn is_in_use(&self) -> bool {
        let lately = self.since.max(self.second).elapsed();
        self.places > 0 || self.unrecorded > 0 || lately < Duration::from_secs(2)
    }

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

    /// All of it or nothing.
    fn take(&mut self, limits: IdentityLimits, more: Held) -> Result<(), Exceeded> {
        let sum = self.held.with(more);
        // What asks for none of a thing is not refused because of it, though a limit may have shrunk.
        let over = |asked: u32, sum: u32, limit: Option<u32>| {
            limit.filter(|limit| asked > 0 && sum > *limit)
        };
        if let Some(limit) = over(more.streams, sum.streams, limits.streams) {
            return Err(Exceeded::Streams(limit));
        }
        if let Some(limit) = over(more.execs, sum.execs, limits.execs) {
            return Err(Exceeded::Execs(limit));
        }
        if let Some(limit) = over(more.builds, sum.builds, limits.builds) {
            return Err(Exceeded::Builds(limit));
        }
        let bytes = limits.body_bytes;
        if let Some(limit) = bytes.filter(|limit| more.bytes > 0 && sum.bytes > *limit) {
            return Err(Exceeded::Bodies(limit));
        }
        if more.judged > 0 && sum.judged > JUDGED {
            return Err(Exceeded::Bodies(JUDGED));
        }
        self.held = sum;
        Ok(())
    }
}

impl Slot {
    /// What the call holds until its end.
    pub(crate) fn hold(&self, call: &Call) -> Result<(), Exceeded> {
        self.take(Held::of(call))
    }

    /// More of the request's body, before it is read by anybody.
    pub(crate) fn body(&self, bytes: u64) -> Result<(), Exceeded> {
        self.take(Held {
            bytes,
            ..Held::default()
        })
    }

    /// Memory for a body that is going to be read whole.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<(), Exceeded> {
        self.take(Held {
            judged: bytes,
            ..Held::default()
        })
    }

    /// It was not as long as that.
    pub(crate) fn give_back(&self, bytes: u64) {
        let mut all = self.quotas.lock();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes.min(held.judged);
        held.judged -= bytes;
        if let Some(usage) = all.get_mut(&self.owner) {
            usage.held.judged = usage.held.judged.saturating_sub(bytes);
        }
    }

    fn take(&self, more: Held) -> Result<(), Exceeded> {
        let mut all = self.quotas.lock();
        let Some(usage) = all.get_mut(&self.owner) else {
            return Ok(());
        };
        usage.take(self.limits, more)?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.with(more);
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let held = *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = self.quotas.lock().get_mut(&self.owner) {
            usage.places = usage.places.saturating_sub(1);
            let all = &mut usage.held;
            all.streams = all.streams.saturating_sub(held.streams);
            all.execs = all.execs.saturating_sub(held.execs);
            all.builds = all.builds.saturating_sub(held.builds);
            all.bytes = all.bytes.saturating_sub(held.bytes);
            all.judged = all.judged.saturating_sub(held.judged);
        }
    }
}
