//! A subnet for a bridge that was given none.

use std::io;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::NetError;
use crate::netlink::RouteSocket;

/// The first of Docker's default subnets that no address or route of this host overlaps:
/// 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20.
///
/// A bridge that exists already keeps what it has: see [`address_of`].
pub fn pick_subnet() -> Result<Ipv4Net, NetError> {
    let used = networks_in_use().map_err(|source| NetError::Link {
        step: "cannot list routes",
        link: String::new(),
        source,
    })?;
    first_free(&used).ok_or(NetError::NoSubnet)
}

/// The first address of an existing link with its prefix, if there are both.
pub fn address_of(link: &str) -> Result<Option<Ipv4Net>, NetError> {
    let look = || -> io::Result<Option<Ipv4Net>> {
        let mut links = RouteSocket::open()?;
        let Some(found) = links.link(link)? else {
            return Ok(None);
        };
        let addresses = links.addresses()?;
        let mut own = addresses.iter().filter(|(index, _)| *index == found.index);
        Ok(own.next().map(|(_, net)| *net))
    };
    look().map_err(|source| NetError::Link {
        step: "cannot read the link's address",
        link: link.to_owned(),
        source,
    })
}

fn networks_in_use() -> io::Result<Vec<Ipv4Net>> {
    let mut links = RouteSocket::open()?;
    let mut used = links.routed_networks()?;
    used.extend(links.addresses()?.into_iter().map(|(_, net)| net));
    Ok(used)
}

fn first_free(used: &[Ipv4Net]) -> Option<Ipv4Net> {
    candidates().find(|candidate| {
        // A default route overlaps everything and says nothing.
        let mut taken = used.iter().filter(|net| net.prefix_len() > 0);
        !taken.any(|net| net.contains(candidate) || candidate.contains(net))
    })
}

fn candidates() -> impl Iterator<Item = Ipv4Net> {
    let large = (17..=31).map(|b| Ipv4Net::new_assert(Ipv4Addr::new(172, b, 0, 0), 16));
    let small = (0..=240)
        .step_by(16)
        .map(|c| Ipv4Net::new_assert(Ipv4Addr::new(192, 168, c, 0), 20));
    large.chain(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(used: &[&str]) -> Option<String> {
        let used: Vec<Ipv4Net> = used.iter().map(|net| net.parse().unwrap()).collect();
        first_free(&used).map(|net| net.to_string())
    }

    #[test]
    fn overlapping_subnets_are_passed_over() {
        assert_eq!(
            pick(&["0.0.0.0/0", "10.0.0.0/8"]).as_deref(),
            Some("172.17.0.0/16")
        );
        assert_eq!(
            pick(&["172.17.0.1/16", "172.18.4.0/24"]).as_deref(),
            Some("172.19.0.0/16")
        );
        assert_eq!(pick(&["172.16.0.0/12"]).as_deref(), Some("192.168.0.0/20"));
        assert_eq!(
            pick(&["172.16.0.0/12", "192.168.1.0/24"]).as_deref(),
            Some("192.168.16.0/20")
        );
        assert_eq!(pick(&["172.16.0.0/12", "192.168.0.0/16"]), None);
    }
}
