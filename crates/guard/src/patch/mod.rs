//! Virtual patches: named rules against known flaws of the daemon behind the door.
//!
//! A patch is in force while the daemon's own version is one that has the flaw, asked before each
//! call that it concerns: a daemon that was upgraded is trusted from then on, one whose version
//! cannot be read is not. podman is no relative of this code and has none of these flaws.

mod archive;
mod engine;

use std::collections::BTreeSet;

use lockgate_api::{Call, Operation};
use lockgate_gate::Body;

use crate::error::GuardError;
use crate::pool::Pool;

/// A rule, and what it is for.
#[derive(Debug)]
pub struct Patch {
    /// The flaw's CVE id, which is also the patch's name.
    pub id: &'static str,
    /// What is refused.
    pub refuses: &'static str,
    /// The first release of Docker Engine without the flaw.
    pub fixed: [u32; 3],
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Archives are plain tar.
    NotCompressed,
    /// Files of a container are not touched while its own processes can move mount points.
    NotRacing,
}

/// All patches there are.
pub const PATCHES: &[Patch] = &[
    Patch {
        id: "CVE-2026-41567",
        refuses: "a compressed archive copied into a container: the daemon runs the container's own decompressor as root on the host",
        fixed: [29, 5, 1],
        rule: Rule::NotCompressed,
    },
    Patch {
        id: "CVE-2026-41568",
        refuses: "copying from or to a running container with mounts: its processes can make the daemon create files anywhere on the host (pause it first)",
        fixed: [29, 5, 1],
        rule: Rule::NotRacing,
    },
    Patch {
        id: "CVE-2026-42306",
        refuses: "copying from or to a running container with mounts: its processes can make the daemon mount a volume anywhere on the host (pause it first)",
        fixed: [29, 5, 1],
        rule: Rule::NotRacing,
    },
];

/// A patch was named that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no virtual patch `{name}`; there are {}", names())]
pub struct UnknownPatch {
    name: String,
}

fn names() -> String {
    let names: Vec<&str> = PATCHES.iter().map(|patch| patch.id).collect();
    names.join(", ")
}

/// The patches that are switched on.
#[derive(Clone, Debug, Default)]
pub struct Patches {
    off: BTreeSet<&'static str>,
}

impl Patches {
    /// All of them but those named.
    pub fn without(names: &[String]) -> Result<Self, UnknownPatch> {
        let find = |name: &String| {
            PATCHES
                .iter()
                .map(|patch| patch.id)
                .find(|id| id.eq_ignore_ascii_case(name))
                .ok_or_else(|| UnknownPatch { name: name.clone() })
        };
        let off = names.iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self { off })
    }

    /// Refuses the call, or gives its body back.
    pub(crate) async fn apply(
        &self,
        pool: &Pool,
        call: &Call,
        body: Body,
    ) -> Result<Body, GuardError> {
        if !concerns(call.operation()) {
            return Ok(body);
        }
        let version = engine::version(pool).await?;
        let on = |rule| {
            PATCHES.iter().find(move |patch| {
                patch.rule == rule && !self.off.contains(patch.id) && version.lacks(patch.fixed)
            })
        };
        if let Some(patch) = on(Rule::NotRacing)
            && let Some(container) = call.target()
            && archive::may_race(pool, container).await?
        {
            return Err(patch.refuse());
        }
        match on(Rule::NotCompressed) {
            Some(patch) if call.operation() == Operation::PutContainerArchive => {
                archive::plain(body)
                    .await
                    .map_err(|_compressed| patch.refuse())
            }
            _ => Ok(body),
        }
    }
}

impl Patch {
    fn refuse(&self) -> GuardError {
        GuardError::Patched {
            id: self.id,
            why: self.refuses,
        }
    }
}

fn concerns(operation: Operation) -> bool {
    [
        Operation::ContainerArchive,
        Operation::ContainerArchiveInfo,
        Operation::PutContainerArchive,
    ]
    .contains(&operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_switched_off_by_its_name() {
        let patches = Patches::without(&["cve-2026-41567".to_owned()]).unwrap();
        assert_eq!(patches.off, BTreeSet::from(["CVE-2026-41567"]));
        let unknown = Patches::without(&["CVE-1".to_owned()]).unwrap_err();
        assert!(unknown.to_string().contains("CVE-2026-41568"), "{unknown}");
    }
}
