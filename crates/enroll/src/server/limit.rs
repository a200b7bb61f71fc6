//! How often one address may be wrong.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts refusals by address. A right answer costs nothing.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<HashMap<IpAddr, Count>>);

#[derive(Debug)]
struct Count {
    since: Instant,
    refused: u32,
}

impl Limiter {
    /// Whether `address` may try now.
    pub(super) fn allows(&self, address: IpAddr, now: Instant) -> bool {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&network(address));
        count.is_none_or(|count| count.refused < TRIES || now - count.since >= WINDOW)
    }

    /// `address` was wrong.
    pub(super) fn refused(&self, address: IpAddr, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES {
            counts.retain(|_, count| now - count.since < WINDOW);
        }
        if counts.len() >= ADDRESSES {
            // Too many at once to tell apart: all of them start again.
            counts.clear();
        }
        let count = counts.entry(network(address)).or_insert(Count {
            since: now,
            refused: 0,
        });
        if now - count.since >= WINDOW {
            *count = Count {
                since: now,
                refused: 0,
            };
        }
        count.refused += 1;
    }
}

/// An address, or for IPv6 the network of 64 bits that one host may choose from freely.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

/// Wrong tries in a window: enough for a person who pastes the wrong line, too few to guess anything.
pub(super) const TRIES: u32 = 10;
const WINDOW: Duration = Duration::from_mins(1);
/// How many addresses are remembered.
const ADDRESSES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_wrong_too_often_waits_a_minute() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for _ in 0..TRIES {
            assert!(limiter.allows(one, start));
            limiter.refused(one, start);
        }
        assert!(!limiter.allows(one, start));
        assert!(limiter.allows(other, start));
        assert!(limiter.allows(one, start + WINDOW));
    }

    #[test]
    fn a_host_cannot_hide_in_its_own_ipv6_network() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for last in 0..u16::try_from(TRIES).unwrap() {
            limiter.refused(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]), now);
        }
        assert!(!limiter.allows(IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]), now));
    }

    #[test]
    fn memory_is_bounded() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for number in 0..40_000_u32 {
            limiter.refused(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(limiter.0.lock().unwrap().len() <= ADDRESSES);
    }
}
