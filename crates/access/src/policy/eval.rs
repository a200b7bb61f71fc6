//! The decision: deny wins, then any role that allows, else no.

use lockgate_api::Operation;

use super::role::Role;
use super::{Binding, Condition, Policy, Rules, SocketOwners};
use crate::facts::Power;
use crate::{Certificate, Principal};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) operation: Operation,
    pub(crate) powers: &'a [Power],
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Yes, by this role.
    Allow { role: String },
    /// No: no role of the identity allows the operation.
    NoRole,
    /// No: this role of the identity forbids the operation.
    Forbidden { role: String },
    /// No: a role allows the operation, but not the power over the host that it asks for.
    Power { power: Power },
    /// No: there is a policy file, and it cannot be used.
    Broken { reason: String },
}

impl Policy {
    /// Decides. Adding a deny never allows more; adding an allow never denies more.
    pub(crate) fn decide(&self, owners: &SocketOwners, question: Question<'_>) -> Grant {
        let admin = owners.own(question.principal);
        let (roles, bindings) = match &self.rules {
            Rules::Absent => {
                return Grant::Allow {
                    role: "admin".to_owned(),
                };
            }
            Rules::Broken { .. } if admin => {
                return Grant::Allow {
                    role: "admin".to_owned(),
                };
            }
            Rules::Broken { reason } => {
                return Grant::Broken {
                    reason: reason.clone(),
                };
            }
            Rules::File { roles, bindings } => (roles, bindings),
        };
        let held: Vec<&Role> = roles
            .iter()
            .filter(|role| {
                (admin && role.name == "admin") || is_bound(bindings, question.principal, role)
            })
            .collect();
        judge(&held, question)
    }
}

fn judge(held: &[&Role], question: Question<'_>) -> Grant {
    let operation = question.operation;
    if let Some(role) = held.iter().find(|role| role.deny.contains(&operation)) {
        return Grant::Forbidden {
            role: role.name.clone(),
        };
    }
    let mut allowing = held
        .iter()
        .filter(|role| role.allow.contains(&operation))
        .peekable();
    if allowing.peek().is_none() {
        return Grant::NoRole;
    }
    match (
        allowing.find(|role| role.powers || question.powers.is_empty()),
        question.powers,
    ) {
        (Some(role), _) => Grant::Allow {
            role: role.name.clone(),
        },
        (None, [power, ..]) => Grant::Power { power: *power },
        (None, []) => Grant::NoRole,
    }
}

fn is_bound(bindings: &[Binding], principal: &Principal, role: &Role) -> bool {
    bindings.iter().any(|binding| {
        binding.roles.contains(&role.name)
            && binding
                .conditions
                .iter()
                .all(|condition| condition.holds(principal))
    })
}

impl SocketOwners {
    /// Whether the unix socket belongs to this identity: its owner, or a member of its group.
    fn own(&self, principal: &Principal) -> bool {
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

impl Condition {
    fn holds(&self, principal: &Principal) -> bool {
        match principal {
            Principal::Certificate(certificate) => self.holds_for_certificate(certificate),
            Principal::Loopback { .. } => *self == Self::Loopback,
            Principal::Unix(peer) => match self {
                Self::Uid(uid) => *uid == peer.uid,
                Self::Gid(gid) => *gid == peer.gid || peer.groups.contains(gid),
                Self::CommonName(_)
                | Self::Issuer(_)
                | Self::Loopback
                | Self::Organization(_)
                | Self::OrganizationalUnit(_)
                | Self::San(_)
                | Self::Serial(_)
                | Self::Spki(_) => false,
            },
        }
    }

    fn holds_for_certificate(&self, certificate: &Certificate) -> bool {
        match self {
            Self::CommonName(name) => certificate.common_name == *name,
            Self::Issuer(name) => certificate.issuer == *name,
            Self::Organization(name) => certificate.organization.contains(name),
            Self::OrganizationalUnit(name) => certificate.organizational_unit.contains(name),
            Self::San(name) => certificate.sans.contains(name),
            Self::Serial(serial) => certificate.serial == *serial,
            Self::Spki(hash) => certificate.spki_sha256 == *hash,
            Self::Gid(_) | Self::Loopback | Self::Uid(_) => false,
        }
    }
}
