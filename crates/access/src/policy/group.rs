//! Operations by what they give: each belongs to one group.

use lockgate_api::{Family, Operation};

macro_rules! groups {
    ($($variant:ident $name:literal $gives:literal)*) => {
        /// A named group of operations.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the table says what each gives")]
        pub enum Group {
            $($variant,)*
        }

        impl Group {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in a policy.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What whoever has it can do, for people.
            pub fn gives(self) -> &'static str {
                match self {
                    $(Self::$variant => $gives,)*
                }
            }
        }
    };
}

groups! {
    SystemRead         "system.read"          "version, information, disk usage, events and metrics of the daemon"
    ContainerRead      "container.read"       "lists and details of containers, their statistics, their end; no environment"
    ContainerLogs      "container.logs"       "what containers write, and their processes with arguments"
    ContainerFilesRead "container.files.read" "every file in a container, what is mounted there included"
    ContainerFilesWrite "container.files.write" "putting files into containers"
    ContainerLifecycle "container.lifecycle"  "start, stop, kill, pause, rename, change limits of and remove containers"
    ContainerCreate    "container.create"     "new containers"
    ContainerAttach    "container.attach"     "the standard streams of containers, input included"
    Exec               "exec"                 "commands in containers"
    ImageRead          "image.read"           "lists, details and history of images"
    ImageExport        "image.export"         "the whole content of images"
    ImagePull          "image.pull"           "fetching images from registries the daemon can reach, and asking those"
    ImagePush          "image.push"           "sending images to registries"
    ImageLoad          "image.load"           "images out of archives and imports, under any name"
    ImageManage        "image.manage"         "naming and removing images"
    Build              "build"                "running build steps, and images from containers"
    NetworkRead        "network.read"         "lists and details of networks"
    NetworkCreate      "network.create"       "new networks"
    NetworkConnect     "network.connect"      "containers joining and leaving networks"
    NetworkRemove      "network.remove"       "removing networks"
    VolumeRead         "volume.read"          "lists and details of volumes"
    VolumeCreate       "volume.create"        "new volumes"
    VolumeRemove       "volume.remove"        "removing volumes"
    DoorAdmin          "door.admin"           "swarm, plugins (which run with the daemon's rights), debugging, and roles for a time"
}

/// The group of an operation. Every operation is named, so that a new one is in no role by accident.
pub fn group_of(operation: Operation) -> Group {
    use Operation as O;
    match operation.family() {
        Family::Door if operation == O::DoorMetrics => return Group::SystemRead,
        Family::Debug | Family::Door | Family::Plugin | Family::Swarm => return Group::DoorAdmin,
        Family::Build => return Group::Build,
        Family::Exec => return Group::Exec,
        Family::Container
        | Family::Distribution
        | Family::Image
        | Family::Network
        | Family::System
        | Family::Volume => {}
    }
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the families above; a test sees that nothing else gets here"
    )]
    match operation {
        O::SystemPing
        | O::SystemPingHead
        | O::SystemVersion
        | O::SystemInfo
        | O::SystemDataUsage
        | O::SystemEvents
        | O::SystemOptions => Group::SystemRead,
        O::SystemAuth | O::ImageCreate | O::ImageSearch | O::DistributionInspect => {
            Group::ImagePull
        }
        O::ContainerList
        | O::ContainerInspect
        | O::ContainerStats
        | O::ContainerWait
        | O::CheckpointList => Group::ContainerRead,
        O::ContainerLogs | O::ContainerTop => Group::ContainerLogs,
        O::ContainerChanges
        | O::ContainerExport
        | O::ContainerArchive
        | O::ContainerArchiveInfo => Group::ContainerFilesRead,
        O::PutContainerArchive => Group::ContainerFilesWrite,
        O::ContainerStart
        | O::ContainerStop
        | O::ContainerRestart
        | O::ContainerKill
        | O::ContainerUpdate
        | O::ContainerRename
        | O::ContainerPause
        | O::ContainerUnpause
        | O::ContainerDelete
        | O::ContainerPrune
        | O::CheckpointCreate
        | O::CheckpointDelete => Group::ContainerLifecycle,
        O::ContainerCreate => Group::ContainerCreate,
        O::ContainerAttach | O::ContainerAttachWebsocket | O::ContainerResize => {
            Group::ContainerAttach
        }
        O::ImageCommit => Group::Build,
        O::ImageList | O::ImageInspect | O::ImageHistory | O::ImageAttestations => Group::ImageRead,
        O::ImageGet | O::ImageGetAll => Group::ImageExport,
        O::ImagePush => Group::ImagePush,
        O::ImageLoad => Group::ImageLoad,
        O::ImageTag | O::ImageDelete | O::ImagePrune => Group::ImageManage,
        O::NetworkList | O::NetworkInspect => Group::NetworkRead,
        O::NetworkCreate => Group::NetworkCreate,
        O::NetworkConnect | O::NetworkDisconnect => Group::NetworkConnect,
        O::NetworkDelete | O::NetworkPrune => Group::NetworkRemove,
        O::VolumeList | O::VolumeInspect => Group::VolumeRead,
        O::VolumeCreate | O::VolumeUpdate => Group::VolumeCreate,
        O::VolumeDelete | O::VolumePrune => Group::VolumeRemove,
        _ => Group::DoorAdmin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_node_is_for_its_administrator() {
        for operation in Operation::ALL {
            let of_the_node = matches!(
                operation.family(),
                Family::Debug | Family::Door | Family::Plugin | Family::Swarm
            ) && *operation != Operation::DoorMetrics;
            assert_eq!(
                group_of(*operation) == Group::DoorAdmin,
                of_the_node,
                "{operation}"
            );
        }
    }

    #[test]
    fn what_is_called_read_changes_nothing() {
        for operation in Operation::ALL {
            let group = group_of(*operation);
            if group.name().rsplit('.').next() == Some("read") {
                assert!(!operation.mutates(), "{operation} in {}", group.name());
            }
        }
    }
}
