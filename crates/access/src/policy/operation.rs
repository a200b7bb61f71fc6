//! What operations are about, and what they come to.

use lockgate_api::{Family, Operation};

use crate::facts::{Kind, Reference};

/// What the path of an operation names.
pub(super) fn target(operation: Operation, name: Option<&str>) -> Option<Reference> {
    let kind = match operation.family() {
        Family::Container => Kind::Container,
        Family::Exec if operation == Operation::ContainerExec => Kind::Container,
        Family::Exec => Kind::Exec,
        Family::Network => Kind::Network,
        Family::Volume => Kind::Volume,
        Family::Build
        | Family::Debug
        | Family::Distribution
        | Family::Door
        | Family::Image
        | Family::Plugin
        | Family::Swarm
        | Family::System => return None,
    };
    Some(Reference {
        kind,
        name: name?.to_owned(),
        enters: enters(operation),
    })
}

/// The builder's own protocols: what passes there is not read.
pub(super) const UNSEEN: [Operation; 2] = [Operation::Grpc, Operation::Session];

/// What is about everybody's objects at once, and cannot be narrowed.
pub(super) const OF_ALL: [Operation; 3] = [
    Operation::DoorMetrics,
    Operation::DoorObserve,
    Operation::ElevationList,
];

/// Whether the operation makes the daemon run something that is not judged here: tasks of a swarm, with whatever
/// mounts and capabilities, and plugins, which have the daemon's rights.
pub(super) fn runs_unjudged(operation: Operation) -> bool {
    use Operation as O;
    [
        O::PluginCreate,
        O::PluginEnable,
        O::PluginPull,
        O::PluginSet,
        O::PluginUpgrade,
        O::ServiceCreate,
        O::ServiceUpdate,
        O::SwarmInit,
        O::SwarmJoin,
        O::SwarmUnlock,
        O::SwarmUpdate,
    ]
    .contains(&operation)
}

/// Whether the operation lets the processes of a container run, with its mounts made anew.
pub(super) fn starts(operation: Operation) -> bool {
    use Operation as O;
    [O::ContainerRestart, O::ContainerStart].contains(&operation)
}

/// Whether the operation gives the power that its object has: a process in a privileged container
/// is one on the host, and files under a mounted path are the host's.
fn enters(operation: Operation) -> bool {
    use Operation as O;
    [
        O::CheckpointCreate,
        O::ContainerArchive,
        O::ContainerArchiveInfo,
        O::ContainerAttach,
        O::ContainerAttachWebsocket,
        O::ContainerChanges,
        O::ContainerExec,
        O::ContainerExport,
        O::ExecInspect,
        O::ExecResize,
        O::ExecStart,
        O::PutContainerArchive,
        O::VolumeUpdate,
    ]
    .contains(&operation)
}
