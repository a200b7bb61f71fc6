//! Roles that certificates carry (docs/adr/0015-roles-in-certificates.md).
//!
//! Whoever signs a certificate can give it any name that a binding speaks of. A role in it is believed for
//! the same reason; a policy can say which roles it believes, none of them included.

use super::role::{Role, built_in};
use super::{File, Policy, Rules};
use crate::Principal;

/// Which roles a policy believes.
#[derive(Clone, Debug, Default)]
pub(super) enum Believed {
    /// All that it knows.
    #[default]
    All,
    /// These, by name.
    Only(Vec<String>),
}

impl Believed {
    pub(super) fn has(&self, role: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == role),
        }
    }
}

impl Principal {
    /// The roles that the certificate carries, known here or not.
    pub(crate) fn carried(&self) -> &[String] {
        match self {
            Self::Certificate(certificate) => &certificate.roles,
            Self::Loopback { .. } | Self::Unix(_) => &[],
        }
    }
}

impl File {
    /// What applies without a file: the built-in roles, for whoever carries one.
    pub(super) fn built_in() -> Self {
        Self {
            roles: built_in(),
            ..Self::default()
        }
    }

    /// The roles that the certificate carries, and that are believed and known.
    pub(super) fn carried(&self, principal: &Principal) -> impl Iterator<Item = &Role> {
        let carried = principal.carried().iter();
        let believed = carried.filter(|name| self.believed.has(name));
        believed.filter_map(|name| self.roles.iter().find(|role| role.name == *name))
    }
}

impl Policy {
    /// The names of all roles, and whether one of them is believed when a certificate carries it.
    pub fn roles(&self) -> Vec<(&str, bool)> {
        let file = match &self.rules {
            Rules::Absent(file) | Rules::File(file) => file,
            Rules::Broken { .. } => return Vec::new(),
        };
        let roles = file.roles.iter().map(|role| role.name.as_str());
        roles.map(|name| (name, file.believed.has(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use lockgate_api::Operation;

    use super::*;
    use crate::policy::{Grant, Question, SocketOwners};
    use crate::{Certificate, Facts, NoObjects};

    fn carrying(roles: &[&str]) -> Principal {
        Principal::Certificate(Box::new(Certificate {
            common_name: "alice".to_owned(),
            sans: Vec::new(),
            roles: roles.iter().map(ToString::to_string).collect(),
            organization: Vec::new(),
            organizational_unit: Vec::new(),
            serial: "1".to_owned(),
            issuer: "CN=ours".to_owned(),
            spki_sha256: String::new(),
            not_after: SystemTime::UNIX_EPOCH,
        }))
    }

    fn may(policy: &Policy, principal: &Principal, operation: Operation) -> bool {
        let question = Question {
            principal,
            operation,
            target: None,
            facts: &Facts::default(),
            objects: &NoObjects,
            lent: &[],
        };
        let grant = policy.decide(&SocketOwners::default(), question);
        matches!(grant, Grant::Allow { .. })
    }

    #[test]
    fn without_a_file_a_role_is_all_that_its_certificate_has() {
        let policy = Policy::absent();
        assert!(may(&policy, &carrying(&[]), Operation::ContainerExec));
        let deployer = carrying(&["deployer"]);
        assert!(may(&policy, &deployer, Operation::ContainerCreate));
        assert!(!may(&policy, &deployer, Operation::ContainerExec));
        let unknown = carrying(&["nobody-knows"]);
        assert!(!may(&policy, &unknown, Operation::SystemPing));
    }

    #[test]
    fn a_carried_role_joins_those_that_are_bound() {
        let policy = Policy::parse(
            "[roles.shell]\nallow = [\"exec\"]\n[[bindings]]\nroles = [\"shell\"]\ncommon_name = \"alice\"",
        )
        .unwrap();
        let alice = carrying(&["viewer"]);
        assert!(may(&policy, &alice, Operation::ContainerExec));
        assert!(may(&policy, &alice, Operation::ContainerList));
        assert!(!may(&policy, &alice, Operation::ContainerCreate));
        assert!(!may(&policy, &carrying(&[]), Operation::ContainerList));
    }

    #[test]
    fn a_policy_says_which_roles_of_certificates_it_believes() {
        let text = "certificate_roles = [\"viewer\"]";
        let policy = Policy::parse(text).unwrap();
        assert!(may(
            &policy,
            &carrying(&["viewer"]),
            Operation::ContainerList
        ));
        assert!(!may(
            &policy,
            &carrying(&["admin"]),
            Operation::ContainerList
        ));
        assert_eq!(policy.roles().iter().filter(|(_, good)| *good).count(), 1);
        let none = Policy::parse("certificate_roles = []").unwrap();
        assert!(!may(
            &none,
            &carrying(&["viewer"]),
            Operation::ContainerList
        ));
        let unknown = Policy::parse("certificate_roles = [\"x\"]").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "line 1, column 22: certificate_roles names the role `x`, which does not exist"
        );
    }

    #[test]
    fn a_carried_role_can_be_bound_to_another_one() {
        let policy = Policy::parse(
            "certificate_roles = []\n[[bindings]]\nroles = [\"viewer\"]\ncertificate_role = \"guest\"",
        )
        .unwrap();
        assert!(may(
            &policy,
            &carrying(&["guest"]),
            Operation::ContainerList
        ));
        assert!(!may(
            &policy,
            &carrying(&["other"]),
            Operation::ContainerList
        ));
        let described = Principal::described("alice,role=guest").unwrap();
        assert!(may(&policy, &described, Operation::ContainerList));
        assert_eq!(
            described.to_string(),
            "certificate of alice with role guest"
        );
    }
}
