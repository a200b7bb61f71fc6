//! The decision: deny wins, then any role that allows, else no.

use super::judge::{Known, Objection};
use super::operation::runs_unjudged;
use super::question::{Grant, Question};
use super::role::Role;
use super::scope::{Scope, View};
use super::{File, Policy, Rules, SocketOwners};
use crate::Principal;
use crate::elevation::Lent;
use crate::facts::Power;
use crate::limits::IdentityLimits;
use crate::meant::Meant;

impl Policy {
    /// Decides. Adding a deny never allows more; adding an allow never denies more.
    pub(crate) fn decide(&self, owners: &SocketOwners, question: Question<'_>) -> Grant {
        let admin = owners.own(question.principal);
        match &self.rules {
            Rules::Absent(file) if !admin && !question.principal.carried().is_empty() => {
                file.decide(admin, question)
            }
            Rules::Absent(_) => as_admin("there is no policy file"),
            Rules::Broken { .. } if admin => as_admin("owner of the socket"),
            Rules::Broken { reason } => Grant::Broken {
                reason: reason.clone(),
            },
            Rules::File(file) => file.decide(admin, question),
        }
    }

    /// How much the identity may ask for.
    pub(crate) fn limits(
        &self,
        owners: &SocketOwners,
        principal: &Principal,
        lent: &[Lent],
    ) -> IdentityLimits {
        let Rules::File(file) = &self.rules else {
            return IdentityLimits::default();
        };
        file.held(owners.own(principal), principal, lent)
            .iter()
            .map(|role| role.limits)
            .reduce(IdentityLimits::widest)
            .unwrap_or_default()
    }
}

fn as_admin(rule: &str) -> Grant {
    Grant::Allow {
        role: "admin".to_owned(),
        rule: rule.to_owned(),
        view: View::everything(),
        target: None,
        meant: Meant::default(),
        lent: None,
    }
}

impl File {
    /// The roles of an identity; `admin` for the owners of the socket; last what it has for a time.
    pub(super) fn held(&self, admin: bool, principal: &Principal, lent: &[Lent]) -> Vec<&Role> {
        let bound = self.bindings.roles(principal);
        let bound = bound.iter().filter_map(|index| self.roles.get(*index));
        let mut held: Vec<&Role> = bound.collect();
        for role in self.carried(principal) {
            if !held.iter().any(|other| other.name == role.name) {
                held.push(role);
            }
        }
        let socket = admin.then_some("admin").into_iter();
        for name in socket.chain(lent.iter().map(|lent| lent.role.as_str())) {
            if !held.iter().any(|role| role.name == name) {
                held.extend(self.roles.iter().find(|role| role.name == name));
            }
        }
        held
    }

    fn decide(&self, admin: bool, question: Question<'_>) -> Grant {
        let held = self.held(admin, question.principal, question.lent);
        let denies = |role: &&&Role| {
            question
                .operations()
                .any(|it| role.deny.operations.contains(&it))
        };
        if let Some(role) = held.iter().find(denies) {
            return forbidden(role, None);
        }
        let allows = |role: &&&Role| {
            question
                .operations()
                .all(|it| role.allow.operations.contains(&it))
        };
        let allowing: Vec<&Role> = held.iter().filter(allows).copied().collect();
        if allowing.is_empty() {
            return Grant::NoRole;
        }
        let owner = question.principal.owner();
        let known = Known::new(question, &owner);
        if let Some(grant) = denied_power(&held, &known) {
            return grant;
        }
        let grant = self.first_that_lets(&held, &allowing, &known, &owner);
        self.marked(grant, admin, question)
    }

    /// Notes the elevation that a yes needs, or that made it wider than it would be without.
    fn marked(&self, grant: Grant, admin: bool, question: Question<'_>) -> Grant {
        let Some(first) = question.lent.first() else {
            return grant;
        };
        let Grant::Allow {
            role,
            rule,
            view,
            target,
            meant,
            ..
        } = grant
        else {
            return grant;
        };
        let without = self.decide(
            admin,
            Question {
                lent: &[],
                ..question
            },
        );
        let same = matches!(&without, Grant::Allow { view: narrower, .. } if *narrower == view);
        let by = question.lent.iter().find(|lent| lent.role == role);
        let lent = (!same).then(|| by.unwrap_or(first).id.clone());
        let rule = match &lent {
            Some(id) => format!("{rule}, by elevation {id}"),
            None => rule,
        };
        Grant::Allow {
            role,
            rule,
            view,
            target,
            meant,
            lent,
        }
    }

    fn first_that_lets(
        &self,
        held: &[&Role],
        allowing: &[&Role],
        known: &Known<'_>,
        owner: &str,
    ) -> Grant {
        let mut first: Option<&Role> = None;
        // Of the roles that let it through, the own labels; `None` once one of them sees everything.
        let mut labels = Some(Vec::new());
        let mut objection = None;
        for role in allowing {
            match role.object(known, &self.controlled) {
                Ok(()) => {
                    first = first.or(Some(role));
                    labels = labels.filter(|_| role.own);
                    let Some(labels) = &mut labels else { break };
                    labels.extend_from_slice(&role.own_labels);
                }
                Err(refused) if objection.is_none() => objection = Some(refused.grant(role)),
                Err(_) => {}
            }
        }
        let Some(role) = first else {
            return objection.unwrap_or(Grant::NoRole);
        };
        let secrets = held.iter().any(|role| role.allow.secrets)
            && !held.iter().any(|role| role.deny.secrets);
        if known.question.facts.details.shows_environments && !secrets {
            return Grant::Condition {
                role: role.name.clone(),
                reason:
                    "with these options `ps` may show environments, which needs container.secrets"
                        .to_owned(),
            };
        }
        Grant::Allow {
            role: role.name.clone(),
            rule: format!(
                "{} allows {}",
                role.name,
                super::group_of(known.question.operation).name()
            ),
            view: View {
                secrets,
                scope: labels.map(|labels| Scope::joined(owner, labels)),
                owner: Some(owner.to_owned()),
                host_roots: role.host_roots(&known.places),
                controlled: self.controlled.iter().cloned().collect(),
            },
            target: known.found_target(),
            meant: known.meant(),
            lent: None,
        }
    }
}

/// A power that some role denies is denied, whatever the others give.
fn denied_power(held: &[&Role], known: &Known<'_>) -> Option<Grant> {
    let denying = held.iter().filter(|role| !role.deny.powers.is_empty());
    denying.into_iter().find_map(|role| {
        if runs_unjudged(known.question.operation) {
            // It may use any power.
            return Some(forbidden(role, role.deny.powers.first().copied()));
        }
        let mut wishes = known.wishes();
        let wish = wishes.find(|wish| role.deny.powers.contains(&wish.power))?;
        Some(forbidden(role, Some(wish.power)))
    })
}

fn forbidden(role: &Role, power: Option<Power>) -> Grant {
    Grant::Forbidden {
        role: role.name.clone(),
        power,
    }
}

impl Objection {
    fn grant(self, role: &Role) -> Grant {
        match self {
            Self::Power(wish) => Grant::Power { wish },
            Self::Condition(reason) => Grant::Condition {
                role: role.name.clone(),
                reason,
            },
            Self::Hidden(kind, name) => Grant::Hidden { kind, name },
        }
    }
}
