//! Who can become root on the host, and through what.

use lockgate_api::Operation;

use super::role::Role;
use super::{File, Policy, Rules, SocketOwners};
use crate::facts::Power;

/// A way to root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Whoever is that.
    pub who: String,
    /// By this role.
    pub role: String,
    /// Through these things.
    pub through: Vec<String>,
}

impl Policy {
    /// All ways to root on the host that the policy leaves open.
    pub fn roots(&self, owners: &SocketOwners) -> Vec<Root> {
        let admin = |who: String| Root {
            who,
            role: "admin".to_owned(),
            through: vec!["everything".to_owned()],
        };
        let mut roots = vec![admin("uid 0 on the unix socket".to_owned())];
        let groups = owners.groups.iter();
        roots.extend(groups.map(|gid| admin(format!("gid {gid} on the unix socket"))));
        match &self.rules {
            Rules::Absent(file) => {
                roots.push(admin(
                    "every valid client certificate without a role: there is no policy file"
                        .to_owned(),
                ));
                roots.extend(file.roots());
            }
            Rules::Broken { .. } => {}
            Rules::File(file) => roots.extend(file.roots()),
        }
        roots
    }
}

impl File {
    fn roots(&self) -> Vec<Root> {
        let mut roots = Vec::new();
        for binding in self.bindings.iter() {
            let conditions: Vec<String> =
                binding.conditions.iter().map(ToString::to_string).collect();
            let held: Vec<&Role> = binding
                .roles
                .iter()
                .filter_map(|index| self.roles.get(*index))
                .collect();
            for role in &held {
                let through = through(role, &held);
                if !through.is_empty() {
                    roots.push(Root {
                        who: conditions.join(" and "),
                        role: role.name.clone(),
                        through,
                    });
                }
            }
        }
        let believed = self
            .roles
            .iter()
            .filter(|role| self.believed.has(&role.name));
        roots.extend(believed.filter_map(|role| {
            let through = through(role, &[role]);
            (!through.is_empty()).then(|| Root {
                who: format!("certificates that carry the role {:?}", role.name),
                role: role.name.clone(),
                through,
            })
        }));
        roots
    }
}

/// The denials of every role that is held together with it count.
fn through(role: &Role, held: &[&Role]) -> Vec<String> {
    let may = |operation: Operation| {
        role.allow.operations.contains(&operation)
            && !held
                .iter()
                .any(|other| other.deny.operations.contains(&operation))
    };
    let uses_powers = [
        Operation::ContainerCreate,
        Operation::ContainerExec,
        Operation::ContainerUpdate,
        Operation::VolumeCreate,
    ]
    .into_iter()
    .any(may);
    let mut ways = Vec::new();
    if uses_powers {
        for power in Power::ALL.into_iter().filter(|power| is_root(*power)) {
            let denied = held.iter().any(|other| other.deny.powers.contains(&power));
            if denied {
                continue;
            }
            if role.allow.powers.contains(&power) {
                ways.push(power.name().to_owned());
            } else {
                ways.extend(single(role, power));
            }
        }
    }
    for (operation, way) in [
        (
            Operation::PluginPull,
            "plugins, which run with the daemon's rights",
        ),
        (Operation::Grpc, "builds over gRPC, which nobody can judge"),
        (Operation::Session, "build sessions, which nobody can judge"),
    ] {
        if may(operation) {
            ways.push(way.to_owned());
        }
    }
    ways
}

/// Kernel parameters and drivers are much, and not root by themselves.
fn is_root(power: Power) -> bool {
    match power {
        Power::Capabilities
        | Power::ControlGroup
        | Power::Devices
        | Power::Driver
        | Power::HostNamespace
        | Power::HostPath
        | Power::Privileged
        | Power::Runtime
        | Power::Security => true,
        Power::Sysctls => false,
    }
}

/// Single things of the host: paths that can be written, and whatever else is given by pattern.
fn single(role: &Role, power: Power) -> Vec<String> {
    if power == Power::HostPath {
        let writable = role.host.paths.iter().filter(|path| !path.read_only);
        return writable
            .map(|path| {
                format!(
                    "writing to {} (if root uses what is there)",
                    path.path.display()
                )
            })
            .collect();
    }
    let details = role.host.details.iter().filter(|(own, _)| *own == power);
    details
        .map(|(power, detail)| format!("{} {detail:?}", power.name()))
        .collect()
}
