//! What is asked of a policy, and what it can answer.

use lockgate_api::Operation;

use super::scope::View;
use crate::Principal;
use crate::elevation::Lent;
use crate::facts::{Facts, Kind, Objects, Power, Wish};
use crate::meant::Meant;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) operation: Operation,
    pub(crate) target: Option<&'a str>,
    pub(crate) facts: &'a Facts,
    pub(crate) objects: &'a dyn Objects,
    /// Roles that the identity has for a time.
    pub(crate) lent: &'a [Lent],
}

impl Question<'_> {
    /// What a role must allow.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation> {
        [self.operation]
            .into_iter()
            .chain(self.facts.details.also())
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Yes, by this role.
    Allow {
        role: String,
        rule: String,
        view: View,
        /// The object that the path means, if it was looked up.
        target: Option<String>,
        /// What the names in the call mean, if that was looked up.
        meant: Meant,
        /// The elevation without which the answer would be less, if there is one.
        lent: Option<String>,
    },
    /// No: no role of the identity allows the operation.
    NoRole,
    /// No: this role of the identity forbids the operation, or a power.
    Forbidden { role: String, power: Option<Power> },
    /// No: a role allows the operation, but not this power over the host.
    Power { wish: Wish },
    /// No: a role allows the operation, but not like this.
    Condition { role: String, reason: String },
    /// No: the object is somebody else's, and not seen.
    Hidden { kind: Kind, name: String },
    /// No: there is a policy file, and it cannot be used.
    Broken { reason: String },
}

impl Grant {
    /// What decided, in one of a few words.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allow",
            Self::Broken { .. } => "broken",
            Self::Condition { .. } => "only",
            Self::Forbidden { .. } => "deny",
            Self::Hidden { .. } => "own",
            Self::NoRole => "none",
            Self::Power { .. } => "host",
        }
    }
}
