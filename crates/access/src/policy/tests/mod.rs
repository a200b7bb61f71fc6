//! The policy, by what it answers.

mod build;
mod deny;
mod file;
mod host;
mod object;
mod only;
mod property;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use bytes::Bytes;
use lockgate_api::{Operation, route};
use proptest::prelude::*;

use super::*;
use crate::elevation::Lent;
use crate::{
    Certificate, Facts, JudgedBody, Kind, NoObjects, Object, Objects, Power, Principal, UnixPeer,
    Wish,
};

pub(super) fn certificate(common_name: &str, unit: &str) -> Principal {
    Principal::Certificate(Box::new(Certificate {
        common_name: common_name.to_owned(),
        sans: vec!["build.example".to_owned()],
        roles: Vec::new(),
        organization: vec!["Example".to_owned()],
        organizational_unit: vec![unit.to_owned()],
        serial: "12ab".to_owned(),
        issuer: "CN=ours".to_owned(),
        spki_sha256: "0a".repeat(32),
        not_after: SystemTime::UNIX_EPOCH,
    }))
}

pub(super) fn unix(uid: u32, gid: u32, groups: &[u32]) -> Principal {
    Principal::Unix(UnixPeer {
        uid,
        gid,
        pid: None,
        groups: groups.to_vec(),
    })
}

pub(super) fn ask(
    policy: &Policy,
    principal: &Principal,
    operation: Operation,
    powers: &[Power],
) -> Grant {
    let owners = SocketOwners { groups: vec![900] };
    let wish = |power: &Power| Wish {
        power: *power,
        detail: String::new(),
        read_only: false,
    };
    let facts = Facts {
        wishes: powers.iter().map(wish).collect(),
        ..Facts::default()
    };
    policy.decide(
        &owners,
        Question {
            principal,
            operation,
            target: None,
            facts: &facts,
            objects: &NoObjects,
            lent: &[],
        },
    )
}

pub(super) fn allows(policy: &Policy, principal: &Principal, operation: Operation) -> bool {
    matches!(ask(policy, principal, operation, &[]), Grant::Allow { .. })
}

/// A host with two identities' things.
#[derive(Debug)]
pub(super) struct Host;

impl Objects for Host {
    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        let labels =
            |owner: &str| BTreeMap::from([("lockgate.owner".to_owned(), owner.to_owned())]);
        let wish = |power| Wish {
            power,
            detail: String::new(),
            read_only: false,
        };
        let plain = |id: &str, owner: &str| Object {
            id: id.to_owned(),
            labels: labels(owner),
            ..Object::default()
        };
        let found = match (kind, name) {
            // Names, ids and prefixes of one container.
            (Kind::Container, "priv" | "aaaa" | "aa") => Object {
                wishes: vec![wish(Power::Privileged)],
                ..plain("aaaa", "uid=0")
            },
            (Kind::Container, "alices" | "bbbb" | "b") => Object {
                image: "ci/app:1".to_owned(),
                ..plain("bbbb", "cn=alice")
            },
            (Kind::Container, "bobs" | "cccc" | "c") => Object {
                image: "evil".to_owned(),
                ..plain("cccc", "cn=bob")
            },
            (Kind::Container, "hers-in-etc") => Object {
                wishes: vec![Wish {
                    detail: "/etc".to_owned(),
                    ..wish(Power::HostPath)
                }],
                ..plain("eeee", "cn=alice")
            },
            (Kind::Container, "roots-in-etc") => Object {
                wishes: vec![Wish {
                    detail: "/etc".to_owned(),
                    ..wish(Power::HostPath)
                }],
                ..plain("ffff", "uid=0")
            },
            (Kind::Container, "teams") => Object {
                labels: BTreeMap::from([("team".to_owned(), "ci".to_owned())]),
                ..plain("dddd", "cn=bob")
            },
            (Kind::Exec, "exec-of-bob") => Object {
                creator: Some("cn=bob".to_owned()),
                ..plain("exec-of-bob", "cn=alice")
            },
            (Kind::Exec, "exec-in-priv") => Object {
                creator: Some("cn=alice".to_owned()),
                wishes: vec![wish(Power::Privileged)],
                ..plain("exec-in-priv", "cn=alice")
            },
            (Kind::Network, "bridge") => Object {
                is_common: true,
                ..Object::default()
            },
            (Kind::Network, "bobs-net") => plain("net", "cn=bob"),
            (Kind::Volume, "bobs-data") => plain("bobs-data", "cn=bob"),
            (Kind::Volume, "etc") => Object {
                wishes: vec![wish(Power::Driver)],
                ..plain("etc", "uid=0")
            },
            _ => return None,
        };
        Some(found)
    }
}

/// What a policy says of a request of alice, who has the role `x` (and what else is bound).
pub(super) fn request(policy: &str, method: &str, target: &str, body: &str) -> Grant {
    let bind = "\n[[bindings]]\nroles = [\"x\"]\ncommon_name = \"alice\"\n";
    let policy = Policy::parse(&format!("{policy}{bind}")).unwrap();
    judged(&policy, method, target, body)
}

pub(super) fn judged(policy: &Policy, method: &str, target: &str, body: &str) -> Grant {
    asked(policy, &[], method, target, body)
}

/// The same of alice with what is lent to her.
pub(super) fn asked(
    policy: &Policy,
    lent: &[Lent],
    method: &str,
    target: &str,
    body: &str,
) -> Grant {
    let call = route(method, target).unwrap();
    let kind = Some("application/json".to_owned());
    let body = JudgedBody::new(Bytes::from(body.to_owned()), kind);
    let facts = Facts::read(&call, body).unwrap();
    policy.decide(
        &SocketOwners::default(),
        Question {
            principal: &certificate("alice", ""),
            operation: call.operation(),
            target: call.target(),
            facts: &facts,
            objects: &Host,
            lent,
        },
    )
}

pub(super) fn is_allowed(grant: &Grant) -> bool {
    matches!(grant, Grant::Allow { .. })
}

pub(super) const OPERATOR: &str = "[roles.x]\nallow = [\"operator\"]";
