//! The judgement: policy, record, token.

use std::sync::{Arc, PoisonError, RwLock};

use lockgate_api::{Call, Operation};
use lockgate_types::{ErrorKind, random_hex};

use crate::audit::{AuditError, AuditLog, Decision, Record, Refusal, complain};
use crate::entry::Entry;
use crate::facts::{Facts, JudgedBody, Kind, NoObjects, Objects, Power, Wish};
use crate::limits::IdentityLimits;
use crate::policy::{Grant, Policy, Question, SocketOwners, View};
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
    #[error("{}", not_there(*kind, name))]
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

/// The stock daemon's words.
fn not_there(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Container => format!("No such container: {name}"),
        Kind::Exec => format!("No such exec instance: {name}"),
        Kind::Network => format!("network {name} not found"),
        Kind::Volume => format!("get {name}: no such volume"),
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
        objects: &dyn Objects,
    ) -> Result<Admitted, Denied> {
        let mut id = random_hex();
        id.truncate(ID_DIGITS);
        let question = Question {
            principal: principal.get(),
            operation: call.operation(),
            target: call.target(),
            facts: &facts,
            objects,
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
        let (call, view) = match grant {
            Grant::Allow { target, view, .. } => (meaning(call, target), view),
            // They were refused above.
            Grant::NoRole
            | Grant::Forbidden { .. }
            | Grant::Power { .. }
            | Grant::Condition { .. }
            | Grant::Hidden { .. }
            | Grant::Broken { .. } => (call, View::default()),
        };
        let entry = Entry::open(id, Arc::clone(&self.audit));
        Ok(Admitted {
            call,
            principal: principal.share(),
            body: facts.body,
            view,
            entry,
        })
    }

    /// How much the identity may ask for, by the policy of this moment.
    pub fn limits(&self, principal: &Principal) -> IdentityLimits {
        self.policy().limits(&self.owners, principal)
    }

    /// Whether the policy of this moment would still admit that; nothing is recorded. Asked for
    /// streams that are open when the policy changes.
    pub fn still_allows(&self, principal: &Verified<Principal>, operation: Operation) -> bool {
        let question = Question {
            principal: principal.get(),
            operation,
            target: None,
            facts: &Facts::default(),
            objects: &NoObjects,
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
        let (role, rule) = match grant {
            Grant::Allow { role, rule, .. } => (Some(role.as_str()), Some(rule.as_str())),
            Grant::Forbidden { role, .. } => (Some(role.as_str()), Some("deny")),
            Grant::Condition { role, .. } => (Some(role.as_str()), Some("only")),
            Grant::Hidden { .. } => (None, Some("own")),
            Grant::NoRole | Grant::Power { .. } | Grant::Broken { .. } => (None, None),
        };
        let facts = question.facts.digest();
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
            powers: &question.facts.powers,
            rule,
            facts: &facts,
        };
        self.audit
            .write(&Record::Decision(decision))
            .inspect_err(complain)
    }
}

pub(crate) fn refusal(grant: &Grant, question: Question<'_>) -> Option<Denied> {
    let (who, operation) = (question.principal.to_string(), question.operation);
    Some(match grant {
        Grant::Allow { .. } => return None,
        Grant::NoRole => Denied::NoRole { who, operation },
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
    view: View,
    entry: Entry,
}

/// The call, with the object that was judged in place of a name that may mean another one later.
fn meaning(call: Call, target: Option<String>) -> Call {
    match target {
        Some(id) => call.with_target(id),
        None => call,
    }
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

    /// What the caller sees of what there is.
    pub fn view(&self) -> &View {
        &self.view
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
