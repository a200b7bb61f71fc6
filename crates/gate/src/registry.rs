//! The connections that are open, by whom, so that they can be ended.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

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
