//! Roles: sets of operations with a name.

use std::collections::BTreeSet;

use lockgate_api::{Family, Operation};

use super::PolicyError;

/// A set of operations with a name.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) allow: BTreeSet<Operation>,
    pub(super) deny: BTreeSet<Operation>,
    /// Whether calls may ask for power over the host, see `Power`.
    pub(super) powers: bool,
    pub(super) built_in: bool,
}

/// `admin` may do everything, `operator` everything about containers, images, networks and
/// volumes that gives no power over the host, `viewer` may look at what holds no secrets.
pub(super) fn built_in() -> Vec<Role> {
    let role = |name: &str, powers, holds: fn(Operation) -> bool| Role {
        name: name.to_owned(),
        allow: Operation::ALL
            .iter()
            .copied()
            .filter(|operation| holds(*operation))
            .collect(),
        deny: BTreeSet::new(),
        powers,
        built_in: true,
    };
    vec![
        role("admin", true, |_| true),
        role("operator", false, operator_may),
        role("viewer", false, viewer_may),
    ]
}

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
        Family::Debug | Family::Plugin | Family::Swarm => false,
    }
}

/// An explicit list, so that a new operation is not readable by accident. What shows environment
/// variables, process arguments, output or files is not on it, nor what makes the daemon connect
/// to a host of the caller's choice.
fn viewer_may(operation: Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::SystemPing
            | O::SystemPingHead
            | O::SystemVersion
            | O::SystemInfo
            | O::SystemDataUsage
            | O::SystemEvents
            | O::SystemOptions
            | O::ContainerList
            | O::ContainerStats
            | O::ContainerWait
            | O::ImageList
            | O::ImageInspect
            | O::ImageHistory
            | O::NetworkList
            | O::NetworkInspect
            | O::VolumeList
            | O::VolumeInspect
            | O::PluginList
    )
}

/// The operations that the names of a role's list stand for.
pub(super) fn operations(role: &str, names: &[String]) -> Result<BTreeSet<Operation>, PolicyError> {
    let mut set = BTreeSet::new();
    for name in names {
        let members = members(name).ok_or_else(|| PolicyError::UnknownOperation {
            role: role.to_owned(),
            name: name.clone(),
        })?;
        set.extend(members);
    }
    Ok(set)
}

fn members(name: &str) -> Option<Vec<Operation>> {
    let all = |holds: &dyn Fn(Operation) -> bool| {
        Operation::ALL
            .iter()
            .copied()
            .filter(|operation| holds(*operation))
            .collect::<Vec<_>>()
    };
    match name {
        "*" | "admin" => return Some(all(&|_| true)),
        "reads" => return Some(all(&|operation| !operation.mutates())),
        "changes" => return Some(all(&Operation::mutates)),
        "operator" => return Some(all(&operator_may)),
        "viewer" => return Some(all(&viewer_may)),
        _ => {}
    }
    if let Some(operation) = Operation::from_name(name) {
        return Some(vec![operation]);
    }
    let family = all(&|operation| format!("{:?}", operation.family()) == name);
    (!family.is_empty()).then_some(family)
}
