//! Name constraints: what an authority may ever certify, whoever holds its key.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use x509_parser::extensions::{GeneralName, GeneralSubtree};

use crate::name::{NameError, SubjectName, check_host_name};

/// One permitted or excluded subtree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// This domain and everything below it.
    Domain(String),
    /// This network.
    Network(IpNet),
}

impl Constraint {
    fn covers(&self, name: &SubjectName) -> bool {
        match (self, name) {
            (Self::Domain(domain), SubjectName::Dns(host)) => is_below(host, domain),
            (Self::Network(network), SubjectName::Ip(address)) => network.contains(address),
            (Self::Domain(_), SubjectName::Ip(_)) | (Self::Network(_), SubjectName::Dns(_)) => {
                false
            }
        }
    }

    fn is_about(&self, name: &SubjectName) -> bool {
        matches!(
            (self, name),
            (Self::Domain(_), SubjectName::Dns(_)) | (Self::Network(_), SubjectName::Ip(_))
        )
    }
}

impl FromStr for Constraint {
    type Err = NameError;

    /// `example.org`, `10.0.0.0/8` or `10.1.2.3`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        check_host_name(text.strip_prefix('.').unwrap_or(text)).map(Self::Domain)
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::Network(network) => network.fmt(f),
        }
    }
}

/// All subtrees of an authority; none at all means that every name is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// If one of these is about a kind of name, a name of that kind must lie in one of them.
    pub permitted: Vec<Constraint>,
    /// No name may lie in one of these.
    pub excluded: Vec<Constraint>,
}

impl Constraints {
    /// Allows only these. With domains alone, all addresses are excluded, and the other way round
    /// nothing is said about host names (an empty excluded domain is not understood everywhere).
    pub fn only(permitted: Vec<Constraint>) -> Self {
        let domains_alone = !permitted.is_empty()
            && permitted
                .iter()
                .all(|constraint| matches!(constraint, Constraint::Domain(_)));
        let everything = ["0.0.0.0/0", "::/0"]
            .into_iter()
            .filter_map(|all| all.parse().ok());
        let excluded = if domains_alone {
            everything.map(Constraint::Network).collect()
        } else {
            vec![]
        };
        Self {
            permitted,
            excluded,
        }
    }

    /// Whether `name` may be certified.
    pub fn allow(&self, name: &SubjectName) -> bool {
        let mut about = self
            .permitted
            .iter()
            .filter(|constraint| constraint.is_about(name))
            .peekable();
        let permitted = about.peek().is_none() || about.any(|constraint| constraint.covers(name));
        permitted
            && !self
                .excluded
                .iter()
                .any(|constraint| constraint.covers(name))
    }

    /// Whether every name is allowed.
    pub fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    pub(crate) fn to_extension(&self) -> Option<rcgen::NameConstraints> {
        (!self.is_empty()).then(|| rcgen::NameConstraints {
            permitted_subtrees: self.permitted.iter().map(subtree).collect(),
            excluded_subtrees: self.excluded.iter().map(subtree).collect(),
        })
    }

    pub(crate) fn from_extension(read: &x509_parser::extensions::NameConstraints<'_>) -> Self {
        let list = |trees: &Option<Vec<GeneralSubtree<'_>>>| {
            trees
                .iter()
                .flatten()
                .filter_map(|tree| from_general(&tree.base))
                .collect()
        };
        Self {
            permitted: list(&read.permitted_subtrees),
            excluded: list(&read.excluded_subtrees),
        }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        || domain.is_empty()
}

fn subtree(constraint: &Constraint) -> rcgen::GeneralSubtree {
    match constraint {
        Constraint::Domain(domain) => rcgen::GeneralSubtree::DnsName(domain.clone()),
        Constraint::Network(network) => rcgen::GeneralSubtree::IpAddress(match network {
            IpNet::V4(v4) => rcgen::CidrSubnet::V4(v4.network().octets(), v4.netmask().octets()),
            IpNet::V6(v6) => rcgen::CidrSubnet::V6(v6.network().octets(), v6.netmask().octets()),
        }),
    }
}

fn from_general(name: &GeneralName<'_>) -> Option<Constraint> {
    match name {
        GeneralName::DNSName(domain) => Some(Constraint::Domain(
            domain.trim_start_matches('.').to_ascii_lowercase(),
        )),
        GeneralName::IPAddress(octets) => network(octets).map(Constraint::Network),
        _ => None,
    }
}

/// Address and mask, one after the other, as RFC 5280 writes a subtree of addresses.
fn network(octets: &[u8]) -> Option<IpNet> {
    let (address, mask) = octets.split_at_checked(octets.len() / 2)?;
    let read = |half: &[u8]| -> Option<IpAddr> {
        <[u8; 4]>::try_from(half)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(half).map(IpAddr::from))
            .ok()
    };
    IpNet::with_netmask(read(address)?, read(mask)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(texts: &[&str]) -> Constraints {
        Constraints::only(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn allowed(constraints: &Constraints, name: &str) -> bool {
        constraints.allow(&name.parse().unwrap())
    }

    #[test]
    fn a_domain_covers_itself_and_what_is_below() {
        let constraints = only(&["example.org"]);
        assert!(allowed(&constraints, "example.org") && allowed(&constraints, "a.example.org"));
        assert!(!allowed(&constraints, "badexample.org") && !allowed(&constraints, "org"));
        assert!(
            !allowed(&constraints, "10.0.0.1"),
            "addresses are closed with domains alone"
        );
    }

    #[test]
    fn networks_are_cut_to_their_prefix() {
        let constraints = only(&["10.1.2.3/8", "example.org"]);
        assert!(allowed(&constraints, "10.9.9.9") && !allowed(&constraints, "11.0.0.1"));
        assert!(!allowed(&constraints, "::1"));
        assert!(allowed(&Constraints::default(), "anything"));
    }
}
