//! Who can become root on the host, and through what.

use std::path::Path;

use lockgate_api::{Family, Operation};

use super::binding::Condition;
use super::host::HostPath;
use super::operation::runs_unjudged;
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
                let mut through = through(role, &held);
                if is_local(&binding.conditions) && may(role, &held, Operation::ElevationStart) {
                    through.push("roles for a time, lent to itself".to_owned());
                }
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

/// Whether it comes by the unix socket, where roles are lent.
fn is_local(conditions: &[Condition]) -> bool {
    let local = |it: &Condition| matches!(it, Condition::Uid(_) | Condition::Gid(_));
    conditions.iter().any(local)
}

fn may(role: &Role, held: &[&Role], operation: Operation) -> bool {
    role.allow.operations.contains(&operation)
        && !held
            .iter()
            .any(|other| other.deny.operations.contains(&operation))
}

/// The denials of every role that is held together with it count.
fn through(role: &Role, held: &[&Role]) -> Vec<String> {
    let may = |operation: Operation| may(role, held, operation);
    let uses_powers = [
        Operation::ContainerAttach,
        Operation::ContainerAttachWebsocket,
        Operation::ContainerCreate,
        Operation::ContainerExec,
        Operation::ContainerUpdate,
        Operation::ImageBuild,
        Operation::NetworkConnect,
        Operation::NetworkCreate,
        Operation::PutContainerArchive,
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
    ways.extend(unjudged(role, held, &may));
    ways
}

/// What nobody looks into. Who has to keep to something, or is denied a power, has none of it.
fn unjudged(role: &Role, held: &[&Role], may: &impl Fn(Operation) -> bool) -> Vec<String> {
    let mut ways = Vec::new();
    if role.is_limited() {
        return ways;
    }
    let is_denied = |power| held.iter().any(|it| it.deny.powers.contains(&power));
    let network = Power::HostNamespace;
    let has_network = role.allow.powers.contains(&network) || !single(role, network).is_empty();
    if may(Operation::Grpc) && has_network && !is_denied(network) {
        ways.push("builds over gRPC, which nobody can judge".to_owned());
    }
    if may(Operation::Session) {
        ways.push("build sessions, which nobody can judge".to_owned());
    }
    if held.iter().any(|other| !other.deny.powers.is_empty()) {
        return ways;
    }
    let any = |family: Family| {
        let mut all = Operation::ALL.iter().copied();
        all.any(|it| it.family() == family && runs_unjudged(it) && may(it))
    };
    if any(Family::Plugin) {
        ways.push("plugins, which run with the daemon's rights".to_owned());
    }
    if any(Family::Swarm) {
        ways.push("the swarm, whose services mount what they like".to_owned());
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
        return role.host.paths.iter().filter_map(path).collect();
    }
    let details = role.host.details.iter().filter(|(own, _)| *own == power);
    details
        .map(|(power, detail)| format!("{} {detail:?}", power.name()))
        .collect()
}

/// Where sockets of daemons, keys and passwords are: who connects to a socket does not write to its file system.
const TELLING: [&str; 6] = ["/etc", "/home", "/proc", "/root", "/run", "/var"];

fn path(given: &HostPath) -> Option<String> {
    let path = &given.path;
    if !given.read_only {
        return Some(format!(
            "writing to {} (if root uses what is there)",
            path.display()
        ));
    }
    let tells = |place: &&str| path.starts_with(place) || Path::new(place).starts_with(path);
    TELLING.iter().any(tells).then(|| {
        format!(
            "looking into {} (if a secret or a socket of root's is there)",
            path.display()
        )
    })
}
