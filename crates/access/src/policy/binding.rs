//! Who has which roles.

use std::collections::HashMap;

use super::SocketOwners;
use crate::{Certificate, Principal};

/// Gives roles to the identities for which every condition holds.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) conditions: Vec<Condition>,
    /// Places in the list of roles.
    pub(super) roles: Vec<usize>,
}

/// Something that an identity must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Condition {
    /// A role that the certificate carries.
    Carried(String),
    CommonName(String),
    Gid(u32),
    Issuer(String),
    Loopback,
    Organization(String),
    OrganizationalUnit(String),
    San(String),
    Serial(String),
    Spki(String),
    Uid(u32),
}

/// All bindings, found by one of their conditions: ten thousand of them cost as much as ten.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings {
    all: Vec<Binding>,
    by_first: HashMap<Condition, Vec<usize>>,
}

impl Bindings {
    pub(super) fn new(all: Vec<Binding>) -> Self {
        let mut by_first: HashMap<Condition, Vec<usize>> = HashMap::new();
        for (index, binding) in all.iter().enumerate() {
            let rarest = binding.conditions.iter().max_by_key(|it| it.rareness());
            if let Some(condition) = rarest {
                by_first.entry(condition.clone()).or_default().push(index);
            }
        }
        Self { all, by_first }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Binding> {
        self.all.iter()
    }

    /// The places of the roles of an identity, sorted, each once.
    pub(super) fn roles(&self, principal: &Principal) -> Vec<usize> {
        let is = Condition::all_of(principal);
        let mut roles: Vec<usize> = is
            .iter()
            .filter_map(|condition| self.by_first.get(condition))
            .flatten()
            .filter_map(|index| self.all.get(*index))
            .filter(|binding| binding.conditions.iter().all(|wanted| is.contains(wanted)))
            .flat_map(|binding| binding.roles.iter().copied())
            .collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

impl Condition {
    /// How few have it, roughly.
    fn rareness(&self) -> u8 {
        match self {
            Self::Spki(_) | Self::Serial(_) => 4,
            Self::CommonName(_) | Self::Uid(_) | Self::San(_) => 3,
            Self::Carried(_) | Self::OrganizationalUnit(_) | Self::Gid(_) => 2,
            Self::Organization(_) | Self::Loopback => 1,
            Self::Issuer(_) => 0,
        }
    }

    /// Everything that holds for an identity.
    fn all_of(principal: &Principal) -> Vec<Self> {
        match principal {
            Principal::Certificate(certificate) => Self::of_certificate(certificate),
            Principal::Loopback { .. } => vec![Self::Loopback],
            Principal::Unix(peer) => {
                let groups = peer.groups.iter().copied().chain([peer.gid]);
                groups.map(Self::Gid).chain([Self::Uid(peer.uid)]).collect()
            }
        }
    }

    fn of_certificate(certificate: &Certificate) -> Vec<Self> {
        let mut all = vec![
            Self::CommonName(certificate.common_name.clone()),
            Self::Issuer(certificate.issuer.clone()),
            Self::Serial(certificate.serial.clone()),
            Self::Spki(certificate.spki_sha256.clone()),
        ];
        let each = |names: &[String], make: fn(String) -> Self| -> Vec<Self> {
            names.iter().cloned().map(make).collect()
        };
        all.extend(each(&certificate.organization, Self::Organization));
        all.extend(each(
            &certificate.organizational_unit,
            Self::OrganizationalUnit,
        ));
        all.extend(each(&certificate.roles, Self::Carried));
        all.extend(each(&certificate.sans, Self::San));
        all
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Carried(role) => write!(f, "certificate_role {role:?}"),
            Self::CommonName(name) => write!(f, "common_name {name:?}"),
            Self::Gid(gid) => write!(f, "gid {gid}"),
            Self::Issuer(name) => write!(f, "issuer {name:?}"),
            Self::Loopback => f.write_str("loopback"),
            Self::Organization(name) => write!(f, "organization {name:?}"),
            Self::OrganizationalUnit(name) => write!(f, "organizational_unit {name:?}"),
            Self::San(name) => write!(f, "san {name:?}"),
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::Spki(hash) => write!(f, "spki_sha256 {hash}"),
            Self::Uid(uid) => write!(f, "uid {uid}"),
        }
    }
}

impl SocketOwners {
    /// Whether the unix socket belongs to this identity: its owner, or a member of its group.
    pub(super) fn own(&self, principal: &Principal) -> bool {
        match principal {
            Principal::Unix(peer) => {
                peer.uid == 0
                    || self.groups.contains(&peer.gid)
                    || peer.groups.iter().any(|group| self.groups.contains(group))
            }
            Principal::Certificate(_) | Principal::Loopback { .. } => false,
        }
    }
}
