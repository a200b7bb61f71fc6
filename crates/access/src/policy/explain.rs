//! What a policy says of a call, for people.

use lockgate_api::Call;

use super::question::{Grant, Question};
use super::{Policy, Rules, SocketOwners};
use crate::Principal;
use crate::denied::refusal;
use crate::facts::{Facts, Objects};

/// A decision and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it would be allowed.
    pub allowed: bool,
    /// The roles of the identity.
    pub roles: Vec<String>,
    /// The role that decides, if one does.
    pub role: Option<String>,
    /// What in it, or why not.
    pub why: String,
}

/// What the daemon asks of a call, with nothing lent.
fn question<'a>(
    principal: &'a Principal,
    call: &'a Call,
    facts: &'a Facts,
    objects: &'a dyn Objects,
) -> Question<'a> {
    Question {
        principal,
        operation: call.operation(),
        target: call.target(),
        facts,
        objects,
        lent: &[],
    }
}

impl Policy {
    /// Whether it would be allowed: the decision as the daemon takes it, without the reasons.
    pub fn allows(
        &self,
        owners: &SocketOwners,
        principal: &Principal,
        call: &Call,
        facts: &Facts,
        objects: &dyn Objects,
    ) -> bool {
        let question = question(principal, call, facts, objects);
        matches!(self.decide(owners, question), Grant::Allow { .. })
    }

    /// What would be decided. Nothing is recorded or done.
    pub fn explain(
        &self,
        owners: &SocketOwners,
        principal: &Principal,
        call: &Call,
        facts: &Facts,
        objects: &dyn Objects,
    ) -> Explanation {
        let question = question(principal, call, facts, objects);
        let grant = self.decide(owners, question);
        let denied = refusal(&grant, question).map(|denied| denied.to_string());
        let (role, why) = match grant {
            Grant::Allow { role, rule, .. } => (Some(role), rule),
            Grant::Forbidden { role, .. } | Grant::Condition { role, .. } => {
                (Some(role), denied.clone().unwrap_or_default())
            }
            Grant::NoRole | Grant::Power { .. } | Grant::Hidden { .. } | Grant::Broken { .. } => {
                (None, denied.clone().unwrap_or_default())
            }
        };
        Explanation {
            allowed: denied.is_none(),
            roles: self.roles_of(owners, principal),
            role,
            why,
        }
    }

    /// The names of the roles of an identity.
    fn roles_of(&self, owners: &SocketOwners, principal: &Principal) -> Vec<String> {
        let held = match &self.rules {
            Rules::File(file) => file.held(owners.own(principal), principal, &[]),
            Rules::Absent(file) if !principal.carried().is_empty() && !owners.own(principal) => {
                file.held(false, principal, &[])
            }
            Rules::Absent(_) => return vec!["admin".to_owned()],
            Rules::Broken { .. } => return Vec::new(),
        };
        held.iter().map(|role| role.name.clone()).collect()
    }
}
