//! Connections before anybody knows whose they are: how many there may be, and of how many it is told.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// Counts connections before anybody knows whose they are.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    total: AtomicUsize,
    handshakes: AtomicUsize,
    local: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, Share>>,
    refusals: Mutex<Refusals>,
}

/// What one address has.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    connections: usize,
    handshakes: usize,
}

/// Whom an address stands for: who has one of version 6 has at least 2^64 of them.
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four @ IpAddr::V4(_) => four,
    }
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
        let address = address.map(origin);
        let handshaking = address.is_some();
        if let Some(address) = address {
            let mut by_address = self.shares();
            let own = by_address.get(&address).copied().unwrap_or_default();
            if own.connections >= limits.per_address {
                return Err(Full::Address);
            }
            // Half of the places that others leave: whoever comes last finds one.
            let all = self.handshakes.load(Ordering::Relaxed);
            let others = all.saturating_sub(own.handshakes);
            let share = limits.handshakes.saturating_sub(others).div_ceil(2);
            if all >= limits.handshakes || own.handshakes >= share {
                return Err(Full::Handshakes);
            }
            let own = by_address.entry(address).or_default();
            own.connections += 1;
            own.handshakes += 1;
            self.handshakes.fetch_add(1, Ordering::Relaxed);
        }
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Ticket {
            crowd: Arc::clone(self),
            address,
            handshaking,
        })
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<IpAddr, Share>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

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
            let mut shares = self.crowd.shares();
            if let Some(own) = self.address.and_then(|address| shares.get_mut(&address)) {
                own.handshakes = own.handshakes.saturating_sub(1);
            }
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
        let mut shares = self.crowd.shares();
        if let Some(own) = shares.get_mut(&address) {
            own.connections = own.connections.saturating_sub(1);
            if own.connections == 0 {
                shares.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_version_six_is_its_network_and_one_of_four_is_itself() {
        let same =
            |one: &str, other: &str| origin(one.parse().unwrap()) == origin(other.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }

    #[test]
    fn whoever_takes_all_leaves_half_and_gives_it_back() {
        let crowd = Arc::new(Crowd::default());
        let limits = Limits {
            handshakes: 8,
            ..Limits::default()
        };
        let enter = |last: u8| crowd.enter(Some([192, 0, 2, last].into()), &limits);
        let mut first: Vec<Ticket> = (0..20).filter_map(|_| enter(1).ok()).collect();
        assert_eq!(first.len(), 4);
        let second: Vec<Ticket> = (0..20).filter_map(|_| enter(2).ok()).collect();
        assert_eq!(second.len(), 2);
        let third = enter(3).unwrap();
        assert_eq!(enter(1).unwrap_err(), Full::Handshakes);
        first.iter_mut().for_each(Ticket::identified);
        drop((second, third));
        assert_eq!(
            (0..20).map_while(|_| enter(1).ok()).count(),
            20,
            "each is over at once"
        );
        drop(first);
        assert!(crowd.shares().is_empty());
    }
}
