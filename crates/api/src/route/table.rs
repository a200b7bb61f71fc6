//! Every endpoint there is, one line each: method, path, operation, and what is special about it.
//!
//! `.judge(n)`: a JSON body of at most n bytes decides what the call would do, so it is read whole
//! and parsed before anybody is asked. `.stream()`: the body is data. Without either a body means
//! nothing. `.down()`: the answer flows for as long as there is something to say. `.hijack()`: the
//! connection becomes a byte stream; `.h2c()`: one of HTTP/2. `.at(v)`: exists since 1.v.

use super::{Method, Route, StreamKind};
use crate::Operation as Op;

/// What is judged is small: nobody writes a container by hand that is longer than a book.
const SMALL: usize = 1024 * 1024;
/// Configs and secrets carry up to 1000 KiB as base64; a service has several templates.
const LARGE: usize = 4 * 1024 * 1024;

/// The table. No path is matched by two lines of one method.
#[rustfmt::skip]
pub const TABLE: &[Route] = &[
    // system
    head("/_ping", Op::SystemPingHead),
    get("/_ping", Op::SystemPing),
    get("/version", Op::SystemVersion),
    get("/info", Op::SystemInfo),
    get("/system/df", Op::SystemDataUsage),
    get("/events", Op::SystemEvents).down(),
    post("/auth", Op::SystemAuth).judge(SMALL),
    options("/", Op::SystemOptions),
    options("/{any:.*}", Op::SystemOptions),
    get("/debug/vars", Op::DebugVars),
    get("/debug/pprof/", Op::DebugPprof),
    get("/debug/pprof/{profile}", Op::DebugPprof).down(),

    // containers
    get("/containers/json", Op::ContainerList),
    post("/containers/create", Op::ContainerCreate).judge(LARGE),
    post("/containers/prune", Op::ContainerPrune).at(25),
    get("/containers/{id:.*}/json", Op::ContainerInspect),
    get("/containers/{id:.*}/top", Op::ContainerTop),
    get("/containers/{id:.*}/logs", Op::ContainerLogs).down(),
    get("/containers/{id:.*}/changes", Op::ContainerChanges),
    get("/containers/{id:.*}/export", Op::ContainerExport).down(),
    get("/containers/{id:.*}/stats", Op::ContainerStats).down(),
    post("/containers/{id:.*}/resize", Op::ContainerResize),
    post("/containers/{id:.*}/start", Op::ContainerStart).judge(SMALL),
    post("/containers/{id:.*}/stop", Op::ContainerStop),
    post("/containers/{id:.*}/restart", Op::ContainerRestart),
    post("/containers/{id:.*}/kill", Op::ContainerKill),
    post("/containers/{id:.*}/update", Op::ContainerUpdate).judge(SMALL),
    post("/containers/{id:.*}/rename", Op::ContainerRename),
    post("/containers/{id:.*}/pause", Op::ContainerPause),
    post("/containers/{id:.*}/unpause", Op::ContainerUnpause),
    post("/containers/{id:.*}/attach", Op::ContainerAttach).hijack(),
    get("/containers/{id:.*}/attach/ws", Op::ContainerAttachWebsocket).hijack(),
    post("/containers/{id:.*}/wait", Op::ContainerWait).down(),
    delete("/containers/{id}", Op::ContainerDelete),
    // A link of the container; judged as the container itself.
    delete("/containers/{id}/{alias}", Op::ContainerDelete),
    head("/containers/{id:.*}/archive", Op::ContainerArchiveInfo),
    get("/containers/{id:.*}/archive", Op::ContainerArchive).down(),
    put("/containers/{id:.*}/archive", Op::PutContainerArchive).stream(),
    get("/containers/{id:.*}/checkpoints", Op::CheckpointList).at(25),
    post("/containers/{id:.*}/checkpoints", Op::CheckpointCreate).judge(SMALL).at(25),
    delete("/containers/{id}/checkpoints/{checkpoint}", Op::CheckpointDelete).at(25),
    post("/commit", Op::ImageCommit).judge(LARGE),

    // exec
    post("/containers/{id:.*}/exec", Op::ContainerExec).judge(SMALL),
    post("/exec/{id:.*}/start", Op::ExecStart).judge(SMALL).hijack(),
    post("/exec/{id:.*}/resize", Op::ExecResize),
    get("/exec/{id:.*}/json", Op::ExecInspect),

    // images
    get("/images/json", Op::ImageList),
    post("/images/create", Op::ImageCreate).stream().down(),
    post("/images/load", Op::ImageLoad).stream().down(),
    post("/images/prune", Op::ImagePrune).at(25),
    get("/images/search", Op::ImageSearch),
    get("/images/get", Op::ImageGetAll).down(),
    get("/images/{name:.*}/get", Op::ImageGet).down(),
    get("/images/{name:.*}/json", Op::ImageInspect),
    get("/images/{name:.*}/history", Op::ImageHistory),
    get("/images/{name:.*}/attestations", Op::ImageAttestations).at(55),
    post("/images/{name:.*}/push", Op::ImagePush).judge(SMALL).down(),
    post("/images/{name:.*}/tag", Op::ImageTag),
    delete("/images/{name:.*}", Op::ImageDelete),
    get("/distribution/{name:.*}/json", Op::DistributionInspect).at(30),

    // build
    post("/build", Op::ImageBuild).stream().down(),
    post("/build/prune", Op::BuildPrune).at(31),
    post("/build/cancel", Op::BuildCancel),
    post("/session", Op::Session).h2c().at(39),
    post("/grpc", Op::Grpc).h2c().at(39),

    // networks
    get("/networks", Op::NetworkList),
    get("/networks/", Op::NetworkList),
    get("/networks/{id:.*}", Op::NetworkInspect),
    post("/networks/create", Op::NetworkCreate).judge(SMALL),
    post("/networks/prune", Op::NetworkPrune).at(25),
    post("/networks/{id:.*}/connect", Op::NetworkConnect).judge(SMALL),
    post("/networks/{id:.*}/disconnect", Op::NetworkDisconnect).judge(SMALL),
    delete("/networks/{id:.*}", Op::NetworkDelete),

    // volumes
    get("/volumes", Op::VolumeList),
    get("/volumes/{name:.*}", Op::VolumeInspect),
    post("/volumes/create", Op::VolumeCreate).judge(SMALL),
    post("/volumes/prune", Op::VolumePrune).at(25),
    put("/volumes/{name:.*}", Op::VolumeUpdate).judge(SMALL).at(42),
    delete("/volumes/{name:.*}", Op::VolumeDelete),

    // plugins
    get("/plugins", Op::PluginList),
    get("/plugins/privileges", Op::GetPluginPrivileges),
    get("/plugins/{name:.*}/json", Op::PluginInspect),
    post("/plugins/create", Op::PluginCreate).stream(),
    post("/plugins/pull", Op::PluginPull).judge(SMALL).down(),
    post("/plugins/{name:.*}/enable", Op::PluginEnable),
    post("/plugins/{name:.*}/disable", Op::PluginDisable),
    post("/plugins/{name:.*}/push", Op::PluginPush).down(),
    post("/plugins/{name:.*}/upgrade", Op::PluginUpgrade).judge(SMALL).down().at(26),
    post("/plugins/{name:.*}/set", Op::PluginSet).judge(SMALL),
    delete("/plugins/{name:.*}", Op::PluginDelete),

    // swarm
    get("/swarm", Op::SwarmInspect),
    get("/swarm/unlockkey", Op::SwarmUnlockkey),
    post("/swarm/init", Op::SwarmInit).judge(SMALL),
    post("/swarm/join", Op::SwarmJoin).judge(SMALL),
    post("/swarm/leave", Op::SwarmLeave),
    post("/swarm/update", Op::SwarmUpdate).judge(SMALL),
    post("/swarm/unlock", Op::SwarmUnlock).judge(SMALL),
    get("/nodes", Op::NodeList),
    get("/nodes/{id}", Op::NodeInspect),
    post("/nodes/{id}/update", Op::NodeUpdate).judge(SMALL),
    delete("/nodes/{id}", Op::NodeDelete),
    get("/services", Op::ServiceList),
    post("/services/create", Op::ServiceCreate).judge(LARGE),
    get("/services/{id}", Op::ServiceInspect),
    get("/services/{id}/logs", Op::ServiceLogs).down().at(29),
    post("/services/{id}/update", Op::ServiceUpdate).judge(LARGE),
    delete("/services/{id}", Op::ServiceDelete),
    get("/tasks", Op::TaskList),
    get("/tasks/{id}", Op::TaskInspect),
    get("/tasks/{id}/logs", Op::TaskLogs).down().at(29),
    get("/secrets", Op::SecretList).at(25),
    post("/secrets/create", Op::SecretCreate).judge(LARGE).at(25),
    get("/secrets/{id}", Op::SecretInspect).at(25),
    post("/secrets/{id}/update", Op::SecretUpdate).judge(LARGE).at(25),
    delete("/secrets/{id}", Op::SecretDelete).at(25),
    get("/configs", Op::ConfigList).at(30),
    post("/configs/create", Op::ConfigCreate).judge(LARGE).at(30),
    get("/configs/{id}", Op::ConfigInspect).at(30),
    post("/configs/{id}/update", Op::ConfigUpdate).judge(LARGE).at(30),
    delete("/configs/{id}", Op::ConfigDelete).at(30),

    // the door itself: Lockgate's own, answered by the gate and on unix sockets alone
    get("/metrics", Op::DoorMetrics),
    get("/lockgate/observe", Op::DoorObserve).down(),
    get("/lockgate/elevations", Op::ElevationList),
    post("/lockgate/elevations", Op::ElevationStart).judge(SMALL),
    delete("/lockgate/elevations/{id}", Op::ElevationEnd),
];

const fn get(pattern: &'static str, operation: Op) -> Route {
    Route::new(Method::Get, pattern, operation)
}

const fn head(pattern: &'static str, operation: Op) -> Route {
    Route::new(Method::Head, pattern, operation)
}

const fn post(pattern: &'static str, operation: Op) -> Route {
    Route::new(Method::Post, pattern, operation)
}

const fn put(pattern: &'static str, operation: Op) -> Route {
    Route::new(Method::Put, pattern, operation)
}

const fn delete(pattern: &'static str, operation: Op) -> Route {
    Route::new(Method::Delete, pattern, operation)
}

const fn options(pattern: &'static str, operation: Op) -> Route {
    Route::new(Method::Options, pattern, operation)
}

impl Route {
    const fn down(mut self) -> Self {
        self.stream = StreamKind::Down;
        self
    }

    const fn hijack(mut self) -> Self {
        self.stream = StreamKind::Hijack;
        self
    }

    const fn h2c(mut self) -> Self {
        self.stream = StreamKind::H2c;
        self
    }
}
