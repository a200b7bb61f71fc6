//! Which container has which address.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use lockgate_types::ErrorKind;

use crate::Bounds;

/// The addresses of one subnet.
///
/// The network address, the broadcast address and the gateway are never given away. The lowest
/// free address comes first, as in Docker.
#[derive(Clone, Debug)]
pub struct Ipam {
    subnet: Ipv4Net,
    gateway: Ipv4Addr,
    /// One bit per address of the subnet, set if it is not free.
    used: Vec<u64>,
    /// Where free addresses are looked for; `None` is everywhere.
    range: Option<Ipv4Net>,
    /// No address below this one is free.
    lowest: u32,
}

/// An address could not be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpamError {
    /// Every address is in use.
    #[error("no available IPv4 addresses on this network's address pools")]
    Exhausted,
    /// Somebody has it.
    #[error("Address already in use")]
    InUse(Ipv4Addr),
    /// It belongs to the network itself.
    #[error("address {0} is reserved")]
    Reserved(Ipv4Addr),
    /// It is not one of the subnet.
    #[error("no configured subnet contains IP address {0}")]
    OutOfSubnet(Ipv4Addr),
}

impl IpamError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Exhausted => ErrorKind::Exhausted,
            Self::InUse(_) => ErrorKind::Conflict,
            Self::Reserved(_) | Self::OutOfSubnet(_) => ErrorKind::InvalidInput,
        }
    }
}

impl Ipam {
    /// All addresses free but the network's own.
    pub fn new(subnet: Ipv4Net, gateway: Ipv4Addr) -> Self {
        let size = 1_u64 << (32 - u32::from(subnet.prefix_len()));
        let words = usize::try_from(size.div_ceil(64)).unwrap_or(usize::MAX);
        let mut ipam = Self {
            subnet,
            gateway,
            used: vec![0; words],
            range: None,
            lowest: 0,
        };
        for reserved in [subnet.network(), subnet.broadcast(), gateway] {
            if let Some(number) = ipam.number(reserved) {
                ipam.set(number, true);
            }
        }
        ipam
    }

    /// Gives only addresses of the range unasked, and none that belongs to others.
    #[must_use]
    pub fn within(mut self, bounds: &Bounds) -> Self {
        self.range = bounds.ip_range;
        for reserved in &bounds.reserved {
            if let Some(number) = self.number(*reserved) {
                self.set(number, true);
            }
        }
        self
    }

    /// Takes the wanted address, or the lowest free one.
    pub fn allocate(&mut self, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, IpamError> {
        let number = match wanted {
            Some(ip) => self.check(ip)?,
            None => self.lowest_free().ok_or(IpamError::Exhausted)?,
        };
        self.set(number, true);
        Ok(self.address(number))
    }

    /// Gives an address back; `false` if it was not given away.
    pub fn release(&mut self, ip: Ipv4Addr) -> bool {
        match self.number(ip) {
            Some(number) if !self.is_reserved(ip) && self.is_used(number) => {
                self.set(number, false);
                self.lowest = self.lowest.min(number);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether somebody has the address.
    pub fn is_allocated(&self, ip: Ipv4Addr) -> bool {
        !self.is_reserved(ip) && self.number(ip).is_some_and(|number| self.is_used(number))
    }

    fn check(&self, ip: Ipv4Addr) -> Result<u32, IpamError> {
        let number = self.number(ip).ok_or(IpamError::OutOfSubnet(ip))?;
        if self.is_reserved(ip) {
            // dockerd says of its gateway that it is in use, too.
            return Err(if ip == self.gateway {
                IpamError::InUse(ip)
            } else {
                IpamError::Reserved(ip)
            });
        }
        if self.is_used(number) {
            Err(IpamError::InUse(ip))
        } else {
            Ok(number)
        }
    }

    fn lowest_free(&mut self) -> Option<u32> {
        if let Some(range) = self.range {
            return self.lowest_free_of(range);
        }
        let first = self.lowest / 64;
        for (index, word) in (first..).zip(self.used.iter().skip(first as usize)) {
            if *word != u64::MAX {
                let number = index * 64 + word.trailing_ones();
                self.lowest = number;
                // The last word may reach beyond a small subnet.
                return self
                    .subnet
                    .contains(&self.address(number))
                    .then_some(number);
            }
        }
        None
    }

    fn lowest_free_of(&self, range: Ipv4Net) -> Option<u32> {
        let first = self.number(range.network())?;
        let last = self.number(range.broadcast())?;
        (first..=last).find(|number| !self.is_used(*number))
    }

    fn is_reserved(&self, ip: Ipv4Addr) -> bool {
        ip == self.gateway || ip == self.subnet.network() || ip == self.subnet.broadcast()
    }

    fn number(&self, ip: Ipv4Addr) -> Option<u32> {
        self.subnet
            .contains(&ip)
            .then(|| u32::from(ip) - u32::from(self.subnet.network()))
    }

    fn address(&self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.subnet.network()).saturating_add(number))
    }

    fn is_used(&self, number: u32) -> bool {
        self.used
            .get(number as usize / 64)
            .is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    fn set(&mut self, number: u32, used: bool) {
        if let Some(word) = self.used.get_mut(number as usize / 64) {
            if used {
                *word |= 1 << (number % 64);
            } else {
                *word &= !(1 << (number % 64));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ipam(subnet: &str) -> Ipam {
        let subnet: Ipv4Net = subnet.parse().unwrap();
        let gateway = Ipv4Addr::from(u32::from(subnet.network()) + 1);
        Ipam::new(subnet, gateway)
    }

    #[derive(Clone, Debug)]
    enum Step {
        Any,
        Wanted(u8),
        Release(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Any),
            1 => any::<u8>().prop_map(Step::Wanted),
            2 => any::<u8>().prop_map(Step::Release),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn no_address_is_given_twice_and_the_lowest_comes_first(
            steps in steps(),
            prefix in 20_u8..=30,
        ) {
            let mut ipam = ipam(&format!("10.1.0.0/{prefix}"));
            let subnet = ipam.subnet;
            let reserved = [subnet.network(), subnet.broadcast(), ipam.gateway];
            let mut given = BTreeSet::new();
            let address = |low: u8| Ipv4Addr::new(10, 1, 0, low);
            for step in steps {
                match step {
                    Step::Any => {
                        let lowest =
                            subnet.hosts().find(|ip| !given.contains(ip) && !reserved.contains(ip));
                        prop_assert_eq!(ipam.allocate(None).ok(), lowest);
                        given.extend(lowest);
                    }
                    Step::Wanted(low) => {
                        let free = subnet.contains(&address(low))
                            && !reserved.contains(&address(low))
                            && !given.contains(&address(low));
                        prop_assert_eq!(ipam.allocate(Some(address(low))).is_ok(), free);
                        if free {
                            given.insert(address(low));
                        }
                    }
                    Step::Release(low) => {
                        let was_given = given.remove(&address(low));
                        prop_assert_eq!(ipam.release(address(low)), was_given);
                    }
                }
                prop_assert!(given.iter().all(|ip| ipam.is_allocated(*ip)));
                prop_assert!(reserved.iter().all(|ip| !ipam.is_allocated(*ip)));
            }
        }
    }

    #[test]
    fn refusals_say_why() {
        let mut small = ipam("10.0.0.0/29");
        for _ in 0..5 {
            small.allocate(None).unwrap();
        }
        assert_eq!(small.allocate(None), Err(IpamError::Exhausted));
        let ip = |low| Ipv4Addr::new(10, 0, 0, low);
        assert_eq!(small.allocate(Some(ip(2))), Err(IpamError::InUse(ip(2))));
        assert_eq!(small.allocate(Some(ip(1))), Err(IpamError::InUse(ip(1))));
        assert_eq!(small.allocate(Some(ip(7))), Err(IpamError::Reserved(ip(7))));
        assert_eq!(
            small.allocate(Some(ip(8))),
            Err(IpamError::OutOfSubnet(ip(8)))
        );
        assert!(small.release(ip(4)) && !small.release(ip(4)) && !small.release(ip(1)));
        assert_eq!(small.allocate(None), Ok(ip(4)));
    }

    #[test]
    fn a_subnet_without_hosts_gives_nothing() {
        for subnet in ["10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/32"] {
            let mut tiny = ipam(subnet);
            let given = std::iter::from_fn(|| tiny.allocate(None).ok()).count();
            assert_eq!(given, usize::from(subnet.ends_with("30")), "{subnet}");
        }
    }
}
