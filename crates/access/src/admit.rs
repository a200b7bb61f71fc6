//! The judgement: policy, record, token.

use std::sync::{Arc, PoisonError, RwLock};

use lockgate_api::{Call, Operation};
use lockgate_types::{ErrorKind, random_hex};

use crate::audit::{AuditError, AuditLog, Decision, Record, Refusal, complain};
use crate::entry::Entry;
use crate::facts::{Facts, JudgedBody, Power};
use crate::policy::{Grant, Policy, Question, SocketOwners};
use crate::principal::{Principal, Verified};

/// Enough that two calls of one trail never share an id.
const ID_DIGITS: usize = 16;

/// The judge: a policy that can be exchanged, and the audit trail.
#[derive(Debug)]
pub struct Access {
    policy: RwLock<Arc<Policy>>,
    owners: SocketOwners,
    audit: Arc<AuditLog>,
}

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
    /// The call asks for power over the host that no role of the identity gives.
    #[error("access denied: {who} may {operation}, but not with {power}")]
    Power {
        /// Who asked.
        who: String,
        /// What for.
        operation: Operation,
        /// The first power that is missing.
        power: Power,
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
            | Self::Forbidden { .. }
            | Self::NoRole { .. }
            | Self::Power { .. } => ErrorKind::Denied,
            Self::NoAudit(_) => ErrorKind::Unavailable,
        }
    }
}

impl Access {
    /// A judge.
    pub fn new(policy: Policy, owners: SocketOwners, audit: AuditLog) -> Self {
        Self {
            policy: RwLock::new(Arc::new(policy)),
            owners,
            audit: Arc::new(audit),
        }
    }

    /// Judges `call`, writes the record, and hands out the token. `peer` is where the connection
    /// comes from, for the record.
    pub fn admit(
        &self,
        principal: &Verified<Principal>,
        peer: &str,
        call: Call,
        facts: Facts,
    ) -> Result<Admitted, Denied> {
        let mut id = random_hex();
        id.truncate(ID_DIGITS);
        let question = Question {
            principal: principal.get(),
            operation: call.operation(),
            powers: &facts.powers,
        };
        let grant = self.policy().decide(&self.owners, question);
        let written = self.record(&id, peer, &call, question, &grant);
        if let Some(denied) = refusal(&grant, question) {
            return Err(denied);
        }
        match written {
            Err(error) if call.operation().mutates() => return Err(Denied::NoAudit(error)),
            _ => {}
        }
        let entry = Entry::open(id, Arc::clone(&self.audit));
        Ok(Admitted {
            call,
            principal: principal.share(),
            body: facts.body,
            entry,
        })
    }

    /// Whether the policy of this moment would still admit that; nothing is recorded. Asked for
    /// streams that are open when the policy changes.
    pub fn still_allows(&self, principal: &Verified<Principal>, operation: Operation) -> bool {
        let question = Question {
            principal: principal.get(),
            operation,
            powers: &[],
        };
        matches!(
            self.policy().decide(&self.owners, question),
            Grant::Allow { .. }
        )
    }

    /// Records a connection or request that was refused before there was a call.
    pub fn refused(&self, refusal: &Refusal<'_>) {
        if let Err(error) = self.audit.write(&Record::Refused(refusal)) {
            complain(&error);
        }
    }

    /// Puts another policy in place for all calls from now on.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }

    /// The audit trail.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(
        &self,
        id: &str,
        peer: &str,
        call: &Call,
        question: Question<'_>,
        grant: &Grant,
    ) -> Result<(), AuditError> {
        let reason = refusal(grant, question).map(|denied| denied.to_string());
        let role = match grant {
            Grant::Allow { role } | Grant::Forbidden { role } => Some(role.as_str()),
            Grant::NoRole | Grant::Power { .. } | Grant::Broken { .. } => None,
        };
        let decision = Decision {
            call: id,
            verdict: if reason.is_none() { "allow" } else { "deny" },
            identity: question.principal,
            peer,
            operation: call.operation().name(),
            target: call.target(),
            version: call.version().to_string(),
            role,
            reason: reason.as_deref(),
            powers: question.powers,
            rule: None,
            facts: "",
        };
        self.audit
            .write(&Record::Decision(decision))
            .inspect_err(complain)
    }
}

fn refusal(grant: &Grant, question: Question<'_>) -> Option<Denied> {
    let (who, operation) = (question.principal.to_string(), question.operation);
    Some(match grant {
        Grant::Allow { .. } => return None,
        Grant::NoRole => Denied::NoRole { who, operation },
        Grant::Forbidden { role } => Denied::Forbidden {
            who,
            operation,
            role: role.clone(),
        },
        Grant::Power { power } => Denied::Power {
            who,
            operation,
            power: *power,
        },
        Grant::Broken { reason } => Denied::BrokenPolicy {
            reason: reason.clone(),
        },
    })
}

/// A call that was judged, allowed and recorded. Nothing else gets into a backend.
///
/// It cannot be made outside this crate, nor copied. It owns the open record: when the last holder
/// drops it without an `Outcome`, the record ends as `aborted`.
///
/// ```compile_fail,E0451
/// fn forge(call: lockgate_api::Call) -> lockgate_access::Admitted {
///     lockgate_access::Admitted { call, ..todo!() }
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copy(admitted: &lockgate_access::Admitted) -> lockgate_access::Admitted {
///     admitted.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Admitted {
    call: Call,
    principal: Arc<Principal>,
    body: JudgedBody,
    entry: Entry,
}

impl Admitted {
    /// What is asked for.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The body that was judged; empty if the operation has none.
    pub fn body(&self) -> &JudgedBody {
        &self.body
    }

    /// The id that joins the lines of the record; also good for log lines.
    pub fn id(&self) -> &str {
        self.entry.id()
    }

    /// Another handle on the open record, for whoever sees the end of the answer.
    pub fn entry(&self) -> Entry {
        self.entry.share()
    }
}
