//! Which container has which address.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use lockgate_types::ErrorKind;

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
            lowest: 0,
        };
        for reserved in [subnet.network(), subnet.broadcast(), gateway] {
            if let Some(number) = ipam.number(reserved) {
                ipam.set(number, true);
            }
        }
        ipam
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
