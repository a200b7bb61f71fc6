//! Everything a client can ask for, by the names of the API description.

use std::fmt;

macro_rules! operations {
    ($($name:ident $family:ident $effect:ident $state:ident)*) => {
        /// One operation of the Engine API, named by its `operationId` in the API description
        /// (undocumented ones by the same rule).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are those of the API description")]
        pub enum Operation {
            $($name,)*
        }

        impl Operation {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The `operationId`, such as `ContainerCreate`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Which part of the API it belongs to.
            pub const fn family(self) -> Family {
                match self {
                    $(Self::$name => Family::$family,)*
                }
            }

            /// Whether it can change anything, a running process's input included.
            pub const fn mutates(self) -> bool {
                match self {
                    $(Self::$name => effect!($effect),)*
                }
            }

            /// Whether Lockgate answers it; the others are answered 501 by name.
            pub const fn built(self) -> bool {
                match self {
                    $(Self::$name => state!($state),)*
                }
            }
        }
    };
}

macro_rules! effect {
    (reads) => {
        false
    };
    (changes) => {
        true
    };
}

macro_rules! state {
    (later) => {
        false
    };
    (built) => {
        true
    };
}

/// A part of the API, as the description groups it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the API description")]
pub enum Family {
    Build,
    Container,
    Debug,
    Distribution,
    /// What Lockgate has beyond the API.
    Door,
    Exec,
    Image,
    Network,
    Plugin,
    Swarm,
    System,
    Volume,
}

impl Operation {
    /// The operation of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// Swarm operations count as built: a node that is no swarm manager has one right answer to them.
// So do those on a plugin or on the build cache: there is none.
#[rustfmt::skip]
operations! {
    SystemPing                System        reads   built
    SystemPingHead            System        reads   built
    SystemVersion             System        reads   built
    SystemInfo                System        reads   built
    SystemDataUsage           System        reads   built
    SystemEvents              System        reads   built
    SystemAuth                System        reads   later
    SystemOptions             System        reads   built
    DebugVars                 Debug         reads   later
    DebugPprof                Debug         reads   later
    ContainerList             Container     reads   built
    ContainerCreate           Container     changes built
    ContainerInspect          Container     reads   built
    ContainerTop              Container     reads   built
    ContainerLogs             Container     reads   built
    ContainerChanges          Container     reads   built
    ContainerExport           Container     reads   built
    ContainerStats            Container     reads   built
    ContainerResize           Container     changes built
    ContainerStart            Container     changes built
    ContainerStop             Container     changes built
    ContainerRestart          Container     changes built
    ContainerKill             Container     changes built
    ContainerUpdate           Container     changes built
    ContainerRename           Container     changes built
    ContainerPause            Container     changes built
    ContainerUnpause          Container     changes built
    ContainerAttach           Container     changes built
    ContainerAttachWebsocket  Container     changes built
    ContainerWait             Container     reads   built
    ContainerDelete           Container     changes built
    ContainerArchiveInfo      Container     reads   built
    ContainerArchive          Container     reads   built
    PutContainerArchive       Container     changes built
    ContainerPrune            Container     changes built
    CheckpointList            Container     reads   built
    CheckpointCreate          Container     changes built
    CheckpointDelete          Container     changes built
    ImageCommit               Image         changes built
    ContainerExec             Exec          changes built
    ExecStart                 Exec          changes built
    ExecResize                Exec          changes built
    ExecInspect               Exec          reads   built
    ImageList                 Image         reads   built
    ImageCreate               Image         changes built
    ImageInspect              Image         reads   built
    ImageHistory              Image         reads   built
    ImageAttestations         Image         reads   later
    ImagePush                 Image         changes later
    ImageTag                  Image         changes built
    ImageDelete               Image         changes built
    ImageSearch               Image         reads   later
    ImagePrune                Image         changes built
    ImageGet                  Image         reads   built
    ImageGetAll               Image         reads   built
    ImageLoad                 Image         changes built
    DistributionInspect       Distribution  reads   later
    ImageBuild                Build         changes later
    BuildPrune                Build         changes built
    BuildCancel               Build         changes later
    Session                   Build         changes later
    Grpc                      Build         changes later
    NetworkList               Network       reads   built
    NetworkInspect            Network       reads   built
    NetworkCreate             Network       changes built
    NetworkConnect            Network       changes built
    NetworkDisconnect         Network       changes built
    NetworkDelete             Network       changes built
    NetworkPrune              Network       changes built
    VolumeList                Volume        reads   built
    VolumeInspect             Volume        reads   built
    VolumeCreate              Volume        changes built
    VolumeUpdate              Volume        changes later
    VolumeDelete              Volume        changes built
    VolumePrune               Volume        changes built
    PluginList                Plugin        reads   built
    GetPluginPrivileges       Plugin        reads   later
    PluginInspect             Plugin        reads   built
    PluginPull                Plugin        changes later
    PluginCreate              Plugin        changes later
    PluginDelete              Plugin        changes built
    PluginEnable              Plugin        changes built
    PluginDisable             Plugin        changes built
    PluginUpgrade             Plugin        changes built
    PluginPush                Plugin        changes built
    PluginSet                 Plugin        changes built
    SwarmInspect              Swarm         reads   built
    SwarmUnlockkey            Swarm         reads   built
    SwarmInit                 Swarm         changes built
    SwarmJoin                 Swarm         changes built
    SwarmLeave                Swarm         changes built
    SwarmUpdate               Swarm         changes built
    SwarmUnlock               Swarm         changes built
    NodeList                  Swarm         reads   built
    NodeInspect               Swarm         reads   built
    NodeDelete                Swarm         changes built
    NodeUpdate                Swarm         changes built
    ServiceList               Swarm         reads   built
    ServiceCreate             Swarm         changes built
    ServiceInspect            Swarm         reads   built
    ServiceDelete             Swarm         changes built
    ServiceUpdate             Swarm         changes built
    ServiceLogs               Swarm         reads   built
    TaskList                  Swarm         reads   built
    TaskInspect               Swarm         reads   built
    TaskLogs                  Swarm         reads   built
    SecretList                Swarm         reads   built
    SecretCreate              Swarm         changes built
    SecretInspect             Swarm         reads   built
    SecretDelete              Swarm         changes built
    SecretUpdate              Swarm         changes built
    ConfigList                Swarm         reads   built
    ConfigCreate              Swarm         changes built
    ConfigInspect             Swarm         reads   built
    ConfigDelete              Swarm         changes built
    ConfigUpdate              Swarm         changes built
    DoorMetrics               Door          reads   built
    DoorObserve               Door          reads   built
    ElevationList             Door          reads   built
    ElevationStart            Door          changes built
    ElevationEnd              Door          changes built
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_operations() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(*operation));
        }
        assert_eq!(Operation::from_name("containercreate"), None);
    }
}
