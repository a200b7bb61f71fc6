//! The connections that are open, by whom, so that they can be ended.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lockgate_access::Outcome;
use lockgate_api::Operation;
use tokio::sync::watch;

use crate::identity::Peer;
use crate::limits::Limits;

/// Every open connection.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    next: AtomicU64,
    live: Mutex<HashMap<u64, Arc<Live>>>,
    count: watch::Sender<usize>,
    seen: Mutex<HashMap<String, (SystemTime, IpAddr)>>,
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) peer: Peer,
    /// What is being served. One at a time: the connection is HTTP/1.
    current: Mutex<Option<Operation>>,
    /// The elevation that it depends on.
    lent: Mutex<Option<String>>,
    end: watch::Sender<Option<End>>,
}

/// Why a connection is ended from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The certificate's time is over.
    Expired,
    /// The certificate, or the role, is no longer good.
    Revoked,
    /// The daemon stops.
    Stopping,
}

/// A place in the registry; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Guest {
    registry: Arc<Registry>,
    id: u64,
    live: Arc<Live>,
}

impl Registry {
    /// Enters a connection, if its identity does not have too many already.
    pub(crate) fn enter(self: &Arc<Self>, peer: Peer, limits: &Limits) -> Option<Guest> {
        let mut live = self.lock();
        let same = |other: &&Arc<Live>| other.peer.principal.get() == peer.principal.get();
        if peer.network && live.values().filter(same).count() >= limits.per_identity {
            return None;
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let entered = Arc::new(Live {
            peer,
            current: Mutex::new(None),
            lent: Mutex::new(None),
            end: watch::Sender::new(None),
        });
        live.insert(id, Arc::clone(&entered));
        self.count.send_replace(live.len());
        Some(Guest {
            registry: Arc::clone(self),
            id,
            live: entered,
        })
    }

    /// Notes whose certificate was used; beyond a limit only those that are noted already.
    pub(crate) fn note_seen(&self, serial: &str, from: IpAddr) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SEEN || seen.contains_key(serial) {
            seen.insert(serial.to_owned(), (SystemTime::now(), from));
        }
    }

    /// Whose certificates were used since this was asked last.
    pub(crate) fn take_seen(&self) -> Vec<(String, SystemTime, String)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *seen);
        let mut taken: Vec<_> = taken
            .into_iter()
            .map(|(serial, (at, from))| (serial, at, from.to_string()))
            .collect();
        taken.sort();
        taken
    }

    /// Ends every connection for which `wrong` holds; says how many.
    pub(crate) fn end_where(&self, end: End, wrong: impl Fn(&Live) -> bool) -> usize {
        let all: Vec<_> = self.lock().values().cloned().collect();
        let hit = all.iter().filter(|live| wrong(live));
        hit.map(|live| live.end(end)).count()
    }

    /// Waits until no connection is left.
    pub(crate) async fn empty(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as `self`, so there is no error.
        drop(count.wait_for(|count| *count == 0).await);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut live = self.registry.lock();
        live.remove(&self.id);
        self.registry.count.send_replace(live.len());
    }
}

impl Live {
    /// What is being served.
    pub(crate) fn current(&self) -> Option<Operation> {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_current(&self, operation: Option<Operation>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = operation;
    }

    /// Notes the elevation that what is being served depends on.
    pub(crate) fn set_lent(&self, elevation: Option<&str>) {
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = elevation.map(str::to_owned);
    }

    /// Whether what is being served depends on that elevation.
    pub(crate) fn needs(&self, elevation: &str) -> bool {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        self.current().is_some() && lent.as_deref() == Some(elevation)
    }

    /// Ends the connection; the first reason counts.
    pub(crate) fn end(&self, end: End) {
        self.end.send_if_modified(|reason| {
            let first = reason.is_none();
            reason.get_or_insert(end);
            first
        });
    }

    /// Waits until the connection is to be ended, by somebody or by the end of its identity.
    pub(crate) async fn ended(&self) {
        let mut end = self.end.subscribe();
        tokio::select! {
            // The sender lives as long as `self`.
            reason = end.wait_for(Option::is_some) => drop(reason),
            () = expired(self.peer.principal.get().valid_until()) => self.end(End::Expired),
        }
    }

    /// How a call ends that is cut off now.
    pub(crate) fn cut_off(&self) -> Outcome {
        match *self.end.borrow() {
            Some(End::Expired | End::Revoked) => Outcome::Revoked,
            Some(End::Stopping) | None => Outcome::Aborted,
        }
    }
}

/// Waits for a point in calendar time. Looks at the clock now and then, because clocks are set.
async fn expired(at: Option<SystemTime>) {
    let Some(at) = at else {
        return std::future::pending().await;
    };
    while let Ok(left) = at.duration_since(SystemTime::now()) {
        tokio::time::sleep(left.min(CLOCK_CHECK).max(Duration::from_millis(10))).await;
    }
}

/// How many certificates are remembered until somebody asks.
const SEEN: usize = 4096;

/// How late the end of an identity may be noticed after the clock was set forward.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

/// Counts connections before anybody knows whose they are.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    total: AtomicUsize,
    handshakes: AtomicUsize,
    local: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    refusals: Mutex<Refusals>,
}

/// Refusals of strangers in the current second.
#[derive(Debug)]
struct Refusals {
    second: Instant,
    written: u32,
    suppressed: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            second: Instant::now(),
            written: 0,
            suppressed: 0,
        }
    }
}

/// How many refusals of strangers are recorded in a second: whoever can reach the port could fill
/// the disk with them.
const RECORDED_PER_SECOND: u32 = 100;

/// Which cap was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("too many connections from this address")]
    Address,
    #[error("too many connections in the handshake")]
    Handshakes,
    #[error("too many connections")]
    Total,
}

/// A place in the crowd; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Ticket {
    crowd: Arc<Crowd>,
    address: Option<IpAddr>,
    handshaking: bool,
}

impl Crowd {
    /// Lets in a connection: from `address`, or from this machine.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        limits: &Limits,
    ) -> Result<Ticket, Full> {
        let (counter, cap) = match address {
            Some(_) => (&self.total, limits.connections),
            None => (&self.local, limits.local_connections),
        };
        if counter.load(Ordering::Relaxed) >= cap {
            return Err(Full::Total);
        }
        let handshaking = address.is_some();
        if let Some(address) = address {
            if self.handshakes.load(Ordering::Relaxed) >= limits.handshakes {
                return Err(Full::Handshakes);
            }
            let mut by_address = self
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = by_address.entry(address).or_default();
            if *count >= limits.per_address {
                return Err(Full::Address);
            }
            *count += 1;
            self.handshakes.fetch_add(1, Ordering::Relaxed);
        }
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Ticket {
            crowd: Arc::clone(self),
            address,
            handshaking,
        })
    }
}

impl Crowd {
    /// Whether to record another refusal of a stranger, and how many were not recorded before it.
    pub(crate) fn may_record(&self) -> Option<u64> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.second.elapsed() >= Duration::from_secs(1) {
            refusals.second = Instant::now();
            refusals.written = 0;
        }
        if refusals.written == RECORDED_PER_SECOND {
            refusals.suppressed += 1;
            return None;
        }
        refusals.written += 1;
        Some(std::mem::take(&mut refusals.suppressed))
    }
}

impl Ticket {
    /// The handshake is over.
    pub(crate) fn identified(&mut self) {
        if std::mem::take(&mut self.handshaking) {
            self.crowd.handshakes.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.identified();
        let Some(address) = self.address else {
            self.crowd.local.fetch_sub(1, Ordering::Relaxed);
            return;
        };
        self.crowd.total.fetch_sub(1, Ordering::Relaxed);
        let mut by_address = self
            .crowd
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}
