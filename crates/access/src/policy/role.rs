//! Roles: what may be done, with a name.

use std::collections::BTreeSet;

use lockgate_api::{Family, Operation};

use super::group::{Group, group_of};
use super::host::{Host, Places};
use super::only::Only;
use super::scope::HostRoot;
use crate::Power;
use crate::limits::IdentityLimits;

/// What may be done, with a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) allow: Grants,
    pub(super) deny: Grants,
    /// Power over single things of the host.
    pub(super) host: Host,
    /// What calls must keep to.
    pub(super) only: Only,
    /// Whether it is for objects of its holder alone.
    pub(super) own: bool,
    /// Labels (`key=value`) that make an object one of this role's, whoever made it.
    pub(super) own_labels: Vec<(String, String)>,
    pub(super) limits: IdentityLimits,
}

/// What a list of names stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    pub(super) operations: BTreeSet<Operation>,
    pub(super) powers: BTreeSet<Power>,
    /// Environments of containers.
    pub(super) secrets: bool,
}

impl Grants {
    fn of(holds: impl Fn(Operation) -> bool) -> Self {
        let all = Operation::ALL.iter().copied();
        Self {
            operations: all.filter(|operation| holds(*operation)).collect(),
            ..Self::default()
        }
    }

    fn all() -> Self {
        Self {
            powers: Power::ALL.into(),
            secrets: true,
            ..Self::of(|_| true)
        }
    }

    fn secret(self) -> Self {
        Self {
            secrets: true,
            ..self
        }
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.operations.extend(more.operations);
        self.powers.extend(more.powers);
        self.secrets |= more.secrets;
    }

    /// What a name in a list stands for, if it is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "*" | "admin" => Self::all(),
            "reads" => Self::of(|operation| !operation.mutates()).secret(),
            "changes" => Self::of(Operation::mutates),
            "operator" => Self::of(operator_may).secret(),
            "viewer" => Self::of(viewer_may),
            "deployer" => Self::of(deployer_may),
            "builder" => Self::of(builder_may),
            "container.secrets" => Self::default().secret(),
            "host.root-equivalent" | "host.*" => Self {
                powers: Power::ALL.into(),
                ..Self::default()
            },
            name => return Self::group(name).or_else(|| Self::word(name)),
        })
    }

    /// `container.read`, `network.*`.
    fn group(name: &str) -> Option<Self> {
        let prefix = name
            .strip_suffix('*')
            .filter(|prefix| prefix.ends_with('.'));
        let hit = |group: &Group| match prefix {
            Some(prefix) => group.name().starts_with(prefix),
            None => group.name() == name,
        };
        let groups: BTreeSet<Group> = Group::ALL.iter().copied().filter(hit).collect();
        let mut grants = Self::of(|operation| groups.contains(&group_of(operation)));
        grants.secrets = prefix == Some("container.");
        (!groups.is_empty()).then_some(grants)
    }

    /// A power, an operation, or a family of operations.
    fn word(name: &str) -> Option<Self> {
        if let Some(power) = Power::ALL.into_iter().find(|power| power.name() == name) {
            return Some(Self {
                powers: BTreeSet::from([power]),
                ..Self::default()
            });
        }
        if let Some(operation) = Operation::from_name(name) {
            // Who was given this by name, before there was a name for secrets, sees them.
            let grants = Self::of(|other| other == operation);
            return Some(if operation == Operation::ContainerInspect {
                grants.secret()
            } else {
                grants
            });
        }
        let family = Self::of(|operation| format!("{:?}", operation.family()) == name);
        let is_container = name == "Container";
        (!family.operations.is_empty()).then_some(Self {
            secrets: is_container,
            ..family
        })
    }
}

impl Role {
    /// The host's paths that may be mounted; `None` for all.
    pub(super) fn host_roots(&self, places: &Places) -> Option<Vec<HostRoot>> {
        let all = self.allow.powers.contains(&Power::HostPath);
        (!all).then(|| self.host.roots(places))
    }

    /// Whether calls have to keep to something.
    pub(super) fn is_limited(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether nothing of a call needs a look: it may do all that it may do to everything.
    pub(super) fn is_total(&self) -> bool {
        self.allow.powers.len() == Power::ALL.len() && !self.own && self.only.is_empty()
    }
}

/// `admin` may do everything; `operator` everything about containers, images, networks and volumes
/// that gives no power over the host; `deployer` puts containers into service and looks after them,
/// but neither into them nor at their secrets; `builder` makes images; `viewer` looks at what holds
/// no secrets.
pub(super) fn built_in() -> Vec<Role> {
    ["admin", "operator", "viewer", "deployer", "builder"]
        .into_iter()
        .filter_map(|name| {
            Some(Role {
                name: name.to_owned(),
                allow: Grants::named(name)?,
                ..Role::default()
            })
        })
        .collect()
}

/// The roles that a file may define anew: they came later than the first policies.
pub(super) const REPLACEABLE: [&str; 2] = ["deployer", "builder"];

/// Everything but the node itself: swarm, plugins (which run with the daemon's rights), debugging,
/// and the build endpoints that speak gRPC, whose bodies cannot be judged.
fn operator_may(operation: Operation) -> bool {
    use Operation as O;
    match operation.family() {
        Family::Container
        | Family::Distribution
        | Family::Exec
        | Family::Image
        | Family::Network
        | Family::System
        | Family::Volume => true,
        Family::Build => matches!(operation, O::BuildPrune | O::BuildCancel),
        Family::Door => operation == O::DoorMetrics,
        Family::Debug | Family::Plugin | Family::Swarm => false,
    }
}

fn viewer_may(operation: Operation) -> bool {
    operation == Operation::PluginList
        || matches!(
            group_of(operation),
            Group::SystemRead
                | Group::ContainerRead
                | Group::ImageRead
                | Group::NetworkRead
                | Group::VolumeRead
        )
}

fn deployer_may(operation: Operation) -> bool {
    viewer_may(operation)
        || matches!(
            group_of(operation),
            Group::ContainerLogs
                | Group::ContainerCreate
                | Group::ContainerLifecycle
                | Group::ContainerAttach
                | Group::ImagePull
                | Group::NetworkCreate
                | Group::NetworkConnect
                | Group::NetworkRemove
                | Group::VolumeCreate
                | Group::VolumeRemove
        )
}

/// Not the endpoints that speak gRPC, as with the operator; those need `build` by name.
fn builder_may(operation: Operation) -> bool {
    use Operation as O;
    match group_of(operation) {
        Group::SystemRead
        | Group::ImageRead
        | Group::ImageExport
        | Group::ImagePull
        | Group::ImagePush
        | Group::ImageLoad
        | Group::ImageManage => true,
        Group::Build => matches!(operation, O::ImageBuild | O::BuildPrune | O::BuildCancel),
        Group::ContainerRead
        | Group::ContainerLogs
        | Group::ContainerFilesRead
        | Group::ContainerFilesWrite
        | Group::ContainerLifecycle
        | Group::ContainerCreate
        | Group::ContainerAttach
        | Group::Exec
        | Group::NetworkRead
        | Group::NetworkCreate
        | Group::NetworkConnect
        | Group::NetworkRemove
        | Group::VolumeRead
        | Group::VolumeCreate
        | Group::VolumeRemove
        | Group::DoorAdmin => false,
    }
}
