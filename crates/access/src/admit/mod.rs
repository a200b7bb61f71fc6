//! The judgement: policy, record, token.

mod admitted;

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use lockgate_api::{Call, Operation};
use lockgate_types::random_hex;

use crate::audit::{AuditError, AuditLog, Decision, Record, Refusal, bounded};
use crate::denied::{Denied, refusal};
use crate::elevation::{ElevateError, Elevation, ElevationEnd, Elevations};
use crate::entry::Entry;
use crate::facts::{Facts, Kind, NoObjects, Objects, Wanted};
use crate::limits::IdentityLimits;
use crate::meant::Meant;
use crate::observer::{Decided, Observer};
use crate::policy::{Grant, Policy, PolicyError, Question, SocketOwners, View, entered};
use crate::principal::{Principal, Verified};
pub use admitted::Admitted;

/// Enough that two calls of one trail never share an id.
const ID_DIGITS: usize = 16;

/// The judge: a policy that can be exchanged, and the audit trail.
#[derive(Debug)]
pub struct Access {
    policy: RwLock<Arc<Policy>>,
    owners: SocketOwners,
    audit: Arc<AuditLog>,
    observer: OnceLock<Arc<dyn Observer>>,
    elevations: Elevations,
}

impl Access {
    /// A judge.
    pub fn new(policy: Policy, owners: SocketOwners, audit: AuditLog) -> Self {
        Self {
            policy: RwLock::new(Arc::new(policy)),
            owners,
            audit: Arc::new(audit),
            observer: OnceLock::new(),
            elevations: Elevations::default(),
        }
    }

    /// Tells `observer` of every decision from now on. There is one; the first stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.observer.get_or_init(|| observer);
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
        let lent = self.elevations.of(principal.get());
        let question = Question {
            principal: principal.get(),
            operation: call.operation(),
            target: call.target(),
            facts: &facts,
            objects,
            lent: &lent,
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
        let (call, view, meant, lent) = match grant {
            Grant::Allow {
                target,
                view,
                meant,
                lent,
                ..
            } => (meaning(call, target), view, meant, lent),
            // They were refused above.
            Grant::NoRole
            | Grant::Forbidden { .. }
            | Grant::Power { .. }
            | Grant::Condition { .. }
            | Grant::Hidden { .. }
            | Grant::Broken { .. } => (call, View::default(), Meant::default(), None),
        };
        let entry = Entry::open(id, Arc::clone(&self.audit));
        Ok(Admitted {
            call,
            principal: principal.share(),
            body: facts.body,
            view,
            meant,
            lent,
            entry,
        })
    }

    /// What has to be looked up to judge this call by the policy of this moment; nothing is recorded.
    /// Empty if the judgement does not depend on any object.
    pub fn wanted(
        &self,
        principal: &Verified<Principal>,
        call: &Call,
        facts: &Facts,
    ) -> Vec<(Kind, String)> {
        let wanted = Wanted::default();
        let lent = self.elevations.of(principal.get());
        let question = Question {
            principal: principal.get(),
            operation: call.operation(),
            target: call.target(),
            facts,
            objects: &wanted,
            lent: &lent,
        };
        drop(self.policy().decide(&self.owners, question));
        wanted.into_list()
    }

    /// How much the identity may ask for, by the policy of this moment.
    pub fn limits(&self, principal: &Principal) -> IdentityLimits {
        let lent = self.elevations.of(principal);
        self.policy().limits(&self.owners, principal, &lent)
    }

    /// Lends a role to an identity for a time, once that is recorded.
    pub fn elevate(
        &self,
        by: &Principal,
        who: &str,
        role: &str,
        time: Duration,
    ) -> Result<Elevation, ElevateError> {
        let policy = self.policy();
        self.elevations
            .begin(&self.audit, &policy, by, (who, role, time))
    }

    /// Takes back what was lent, and records that; `None` if that is over already.
    pub fn end_elevation(&self, id: &str, why: ElevationEnd) -> Option<Elevation> {
        self.elevations.end(&self.audit, id, why)
    }

    /// Whether that is lent still.
    pub fn is_lent(&self, id: &str) -> bool {
        self.elevations().iter().any(|elevation| elevation.id == id)
    }

    /// What is lent now.
    pub fn elevations(&self) -> Vec<Elevation> {
        self.elevations.all()
    }

    /// Whether the policy of this moment would still admit that; nothing is recorded. Asked for
    /// streams that are open when the policy changes.
    pub fn still_allows(&self, principal: &Verified<Principal>, operation: Operation) -> bool {
        let lent = self.elevations.of(principal.get());
        let question = Question {
            principal: principal.get(),
            operation,
            target: None,
            facts: &Facts::default(),
            objects: &NoObjects,
            lent: &lent,
        };
        matches!(
            self.policy().decide(&self.owners, question),
            Grant::Allow { .. }
        )
    }

    /// Records a connection or request that was refused before there was a call.
    pub fn refused(&self, refusal: &Refusal<'_>) {
        let bounded = Refusal {
            detail: &bounded(refusal.detail),
            ..refusal.clone()
        };
        // One that cannot be written is counted and told of.
        drop(self.audit.write(&Record::Refused(&bounded)));
    }

    /// Reads a policy file that is to take the place of what applies now.
    pub fn read_policy(&self, path: &Path) -> Result<Policy, PolicyError> {
        self.policy().load_again(path)
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
        if let Some(observer) = self.observer.get() {
            observer.decided(&Decided {
                principal: question.principal,
                operation: question.operation,
                allowed: reason.is_none(),
                role,
                rule: grant.word(),
                facts: question.facts,
                entered: &|| entered(question),
            });
        }
        let facts = question.facts.digest();
        let target = call.target().map(bounded);
        let reason = reason.as_deref().map(bounded);
        let decision = Decision {
            call: id,
            verdict: if reason.is_none() { "allow" } else { "deny" },
            identity: question.principal,
            peer,
            operation: call.operation().name(),
            target: target.as_deref(),
            version: call.version().to_string(),
            role,
            reason: reason.as_deref(),
            powers: &question.facts.powers,
            rule,
            facts: &facts,
        };
        self.audit.write(&Record::Decision(decision))
    }
}

/// The call, with the object that was judged in place of a name that may mean another one later.
fn meaning(call: Call, target: Option<String>) -> Call {
    match target {
        Some(id) => call.with_target(id),
        None => call,
    }
}
