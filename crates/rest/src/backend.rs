//! The engine as the gate's backend: one line per operation.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;
use lockgate_access::Objects;
use lockgate_api::Operation as Op;
use lockgate_engine::Engine;
use lockgate_gate::{Backend, Body, Reply, Request};

use crate::ask::Ask;
use crate::error::Failure;
use crate::objects::EngineObjects;
use crate::{containers, exec, images, networks, plugins, reply, system, volumes};

/// Docker's API on an engine.
#[derive(Debug)]
pub struct Rest {
    engine: Engine,
    objects: EngineObjects,
}

impl Rest {
    /// The API of this engine.
    pub fn new(engine: Engine) -> Self {
        Self {
            objects: EngineObjects(engine.clone()),
            engine,
        }
    }
}

impl Backend for Rest {
    fn objects(&self) -> &dyn Objects {
        &self.objects
    }

    fn container_states(&self) -> Vec<(&'static str, u64)> {
        self.engine.container_states()
    }

    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        let (ask, body) = Ask::new(self.engine.clone(), request);
        Box::pin(async move {
            let (operation, id) = (ask.operation(), ask.id().to_owned());
            dispatch(&ask, body).await.unwrap_or_else(|failure| {
                if failure.status().is_server_error() {
                    tracing::warn!(%operation, call = id, error = %failure, "a call failed");
                }
                ask.discreet(failure).into_reply()
            })
        })
    }
}

#[rustfmt::skip]
async fn dispatch(ask: &Ask, body: Body) -> Result<Reply, Failure> {
    match ask.operation() {
        Op::SystemPing => Ok(system::ping()),
        Op::SystemPingHead => Ok(system::ping_head()),
        Op::SystemVersion => Ok(system::version(ask)),
        Op::SystemInfo => system::info(ask).await,
        Op::SystemDataUsage => system::disk_usage(ask).await,
        Op::SystemEvents => system::events(ask),
        // The gate answers these itself.
        Op::SystemOptions | Op::DoorMetrics | Op::DoorObserve | Op::ElevationList
        | Op::ElevationStart | Op::ElevationEnd => Ok(reply::empty(StatusCode::OK)),

        Op::ContainerList => containers::list(ask).await,
        Op::ContainerCreate => containers::create(ask).await,
        Op::ContainerInspect => containers::inspect(ask).await,
        Op::ContainerTop => containers::top(ask).await,
        Op::ContainerLogs => containers::logs(ask).await,
        Op::ContainerStats => containers::stats(ask).await,
        Op::ContainerResize => containers::resize(ask).await,
        Op::ContainerStart => containers::start(ask).await,
        Op::ContainerStop => containers::stop(ask).await,
        Op::ContainerRestart => containers::restart(ask).await,
        Op::ContainerKill => containers::kill(ask).await,
        Op::ContainerUpdate => containers::update(ask).await,
        Op::ContainerRename => containers::rename(ask).await,
        Op::ContainerPause => containers::pause(ask).await,
        Op::ContainerUnpause => containers::unpause(ask).await,
        Op::ContainerAttach => containers::attach(ask).await,
        Op::ContainerAttachWebsocket => containers::attach_websocket(ask).await,
        Op::ContainerWait => containers::wait(ask).await,
        Op::ContainerDelete => containers::remove(ask).await,
        Op::ContainerPrune => containers::prune(ask).await,

        Op::ContainerChanges => containers::changes(ask).await,
        Op::ContainerExport => containers::export(ask).await,
        Op::ContainerArchiveInfo => containers::archive_info(ask).await,
        Op::ContainerArchive => containers::archive(ask).await,
        Op::PutContainerArchive => containers::put_archive(ask, body).await,
        Op::CheckpointList | Op::CheckpointCreate | Op::CheckpointDelete => {
            Err(containers::checkpoint_disabled())
        }
        Op::ImageCommit => containers::commit(ask).await,

        Op::ContainerExec => exec::create(ask).await,
        Op::ExecStart => exec::start(ask).await,
        Op::ExecResize => exec::resize(ask).await,
        Op::ExecInspect => exec::inspect(ask),

        Op::ImageList => images::list(ask).await,
        Op::ImageCreate => images::create(ask, body).await,
        Op::ImageInspect => images::inspect(ask),
        Op::ImageHistory => images::history(ask),
        Op::ImageTag => images::tag(ask).await,
        Op::ImageDelete => images::remove(ask).await,
        Op::ImagePrune => images::prune(ask).await,
        Op::ImageGet | Op::ImageGetAll => images::save(ask).await,
        Op::ImageLoad => images::load(ask, body).await,

        Op::BuildPrune => Ok(images::prune_builds()),

        Op::NetworkList => networks::list(ask),
        Op::NetworkInspect => networks::inspect(ask),
        Op::NetworkCreate => networks::create(ask).await,
        Op::NetworkConnect => networks::connect(ask).await,
        Op::NetworkDisconnect => networks::disconnect(ask).await,
        Op::NetworkDelete => networks::remove(ask).await,
        Op::NetworkPrune => networks::prune(ask).await,

        Op::VolumeList => volumes::list(ask),
        Op::VolumeInspect => volumes::inspect(ask),
        Op::VolumeCreate => volumes::create(ask).await,
        Op::VolumeDelete => volumes::remove(ask).await,
        Op::VolumePrune => volumes::prune(ask).await,

        Op::PluginList => Ok(plugins::list()),
        Op::PluginInspect | Op::PluginDelete | Op::PluginEnable | Op::PluginDisable
        | Op::PluginUpgrade | Op::PluginPush | Op::PluginSet => Err(plugins::not_found(ask)),

        Op::SwarmInspect | Op::SwarmUnlockkey | Op::SwarmInit | Op::SwarmJoin | Op::SwarmLeave
        | Op::SwarmUpdate | Op::SwarmUnlock | Op::NodeList | Op::NodeInspect | Op::NodeDelete
        | Op::NodeUpdate | Op::ServiceList | Op::ServiceCreate | Op::ServiceInspect
        | Op::ServiceDelete | Op::ServiceUpdate | Op::ServiceLogs | Op::TaskList | Op::TaskInspect
        | Op::TaskLogs | Op::SecretList | Op::SecretCreate | Op::SecretInspect | Op::SecretDelete
        | Op::SecretUpdate | Op::ConfigList | Op::ConfigCreate | Op::ConfigInspect
        | Op::ConfigDelete | Op::ConfigUpdate => Err(Failure::no_swarm()),

        Op::SystemAuth | Op::DebugVars | Op::DebugPprof | Op::ImageAttestations
        | Op::ImagePush | Op::ImageSearch | Op::DistributionInspect | Op::ImageBuild
        | Op::BuildCancel | Op::Session | Op::Grpc
        | Op::VolumeUpdate | Op::GetPluginPrivileges | Op::PluginPull
        | Op::PluginCreate => Err(Failure::unbuilt(ask.operation())),
    }
}
