//! Why a call is not admitted.

use lockgate_api::Operation;
use lockgate_types::ErrorKind;

use crate::audit::AuditError;
use crate::facts::{Kind, Power, Wish};
use crate::policy::{Grant, Question};

/// Why a call is not admitted. `Display` is for the client.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// No role of the identity allows the operation.
    #[error("access denied: {who} has no role that allows {operation}")]
    NoRole {
        /// Who asked.
        who: String,
        /// What for.
        operation: Operation,
    },
    /// A role of the identity forbids the operation.
    #[error("access denied: role `{role}` forbids {operation} to {who}")]
    Forbidden {
        /// Who asked.
        who: String,
        /// What for.
        operation: Operation,
        /// By which role.
        role: String,
    },
    /// A role of the identity forbids a power, whatever its other roles give.
    #[error("access denied: role `{role}` forbids {power} to {who}")]
    ForbiddenPower {
        /// Who asked.
        who: String,
        /// What for.
        power: Power,
        /// By which role.
        role: String,
    },
    /// A role allows the operation, but not like this.
    #[error("access denied: {who} may {operation} by role `{role}`, but {reason}")]
    Condition {
        /// Who asked.
        who: String,
        /// What for.
        operation: Operation,
        /// By which role.
        role: String,
        /// What it does not keep to.
        reason: String,
    },
    /// The object is somebody else's; whoever asks is told what is said of objects that are not there.
    #[error("{}", kind.not_there(name))]
    Hidden {
        /// What it is.
        kind: Kind,
        /// As it was named.
        name: String,
    },
    /// The call asks for power over the host that no role of the identity gives.
    #[error("access denied: {who} may {operation}, but not with {}", power.power)]
    Power {
        /// Who asked.
        who: String,
        /// What for.
        operation: Operation,
        /// The first power that is missing.
        power: Wish,
    },
    /// There is a policy file that cannot be used, so nothing is allowed over the network.
    #[error("access denied: {reason}")]
    BrokenPolicy {
        /// What is wrong with it.
        reason: String,
    },
    /// The audit record cannot be written, so nothing may change.
    #[error("the audit log cannot be written, so nothing may be changed; see the daemon's log")]
    NoAudit(#[source] AuditError),
}

impl Denied {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BrokenPolicy { .. }
            | Self::Condition { .. }
            | Self::Forbidden { .. }
            | Self::ForbiddenPower { .. }
            | Self::NoRole { .. }
            | Self::Power { .. } => ErrorKind::Denied,
            Self::Hidden { .. } => ErrorKind::NotFound,
            Self::NoAudit(_) => ErrorKind::Unavailable,
        }
    }
}

pub(crate) fn refusal(grant: &Grant, question: Question<'_>) -> Option<Denied> {
    let (who, operation) = (question.principal.to_string(), question.operation);
    Some(match grant {
        Grant::Allow { .. } => return None,
        Grant::NoRole => Denied::NoRole {
            who,
            operation: question.facts.details.also().unwrap_or(operation),
        },
        Grant::Forbidden { role, power: None } => Denied::Forbidden {
            who,
            operation,
            role: role.clone(),
        },
        Grant::Forbidden {
            role,
            power: Some(power),
        } => Denied::ForbiddenPower {
            who,
            power: *power,
            role: role.clone(),
        },
        Grant::Power { wish } => Denied::Power {
            who,
            operation,
            power: wish.clone(),
        },
        Grant::Condition { role, reason } => Denied::Condition {
            who,
            operation,
            role: role.clone(),
            reason: reason.clone(),
        },
        Grant::Hidden { kind, name } => Denied::Hidden {
            kind: *kind,
            name: name.clone(),
        },
        Grant::Broken { reason } => Denied::BrokenPolicy {
            reason: reason.clone(),
        },
    })
}
