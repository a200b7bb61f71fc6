//! What must be there before a shim can make a container. Everything here blocks.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_runtime::cgroup::Cgroup;
use lockgate_runtime::protocol::{CreateRequest, Request, Rootfs};
use lockgate_runtime::spec::CONFIG_FILE;
use lockgate_types::VolumeName;
use lockgate_types::container::MountType;

use crate::container::config_error::ConfigError;
use crate::container::error::{FaultError, StartError};
use crate::container::handle::Container;
use crate::container::log_driver;
use crate::container::record::{EXIT, Record};
use crate::container::runtime;
use crate::container::spec::{self, Inputs, Peers};
use crate::container::state::NetworkState;
use crate::engine::Inner;
use crate::network::{self, NetworkMode};
use crate::rootfs;
use crate::shim::{self, Shim};
use crate::within::{self, WithinError};

use super::links::Links;
use super::peers;
use super::shm;
use super::staging::Staged;

/// Everything a shim needs to be told.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) network: NetworkState,
    pub(super) request: Request,
    /// What is mounted until the container is made.
    pub(super) staged: Staged,
}

/// Starts the shim of a container.
pub(super) fn spawn(engine: &Inner, container: &Container) -> io::Result<Shim> {
    let directory = &container.run_directory;
    fs::create_dir_all(directory)?;
    let socket = container.socket();
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    shim::spawn(
        &engine.config.shim_path,
        &socket,
        &directory.join("shim.log"),
    )
}

/// Joins the networks, writes the files and the specification.
pub(super) fn prepare(
    engine: &Arc<Inner>,
    container: &Container,
    record: &Record,
) -> Result<Prepared, StartError> {
    let peers = peers::find(engine, record)?;
    let mut held = Held {
        engine,
        record,
        network: NetworkState::default(),
        kept: false,
    };
    hold_volumes(engine, record)?;
    // A network namespace that belongs to the user namespace is there only when the container is.
    if !joins_late(engine, record) {
        held.network = network::join(engine, record, None)?;
    }
    shm::make(&engine.config.exec_root, &record.id, &record.host_config)
        .map_err(FaultError::file("mount shared memory"))?;
    let staged = Staged::make(&engine.config.exec_root, &engine.store, record)?;
    let request = describe(engine, container, record, &held.network, peers, &staged)?;
    held.kept = true;
    Ok(Prepared {
        network: held.network.clone(),
        request,
        staged,
    })
}

/// Whether the container is put on its networks after its process is made: a namespace that the engine makes
/// belongs to the host, and its root would have no power over it.
pub(super) fn joins_late(engine: &Inner, record: &Record) -> bool {
    let remapped = engine.config.ids_of(&record.host_config.userns_mode);
    remapped.is_some()
}

/// Puts the container that this process begins on its networks, and tells it who it is there.
pub(super) fn join_late(
    engine: &Arc<Inner>,
    container: &Container,
    record: &Record,
    pid: i32,
) -> Result<NetworkState, StartError> {
    let network = network::join(engine, record, Some(pid))?;
    let write = || -> Result<(), StartError> {
        let links = Links::find(engine, record)?;
        let written = write_files(engine, container, record, &network, &links);
        Ok(written.map_err(FaultError::file("write network files"))?)
    };
    match write() {
        Ok(()) => Ok(network),
        Err(error) => {
            network::leave(engine, &record.id, &network);
            Err(error)
        }
    }
}

/// Mounts what its volumes are made of, if they are mounts.
pub(crate) fn hold_volumes(engine: &Inner, record: &Record) -> Result<(), StartError> {
    for (name, within) in volumes(record) {
        let hold = engine.volumes.hold(&name, &record.id, within);
        hold.map_err(|error| StartError::Volume(error.to_string()))?;
    }
    Ok(())
}

/// Gives back what a container held of volumes and networks while it ran.
pub(crate) fn let_go(engine: &Inner, record: &Record, network: &NetworkState) {
    network::leave(engine, &record.id, network);
    if let Err(error) = shm::remove(&engine.config.exec_root, &record.id) {
        tracing::warn!(container = %record.id, %error, "cannot remove shared memory");
    }
    for (name, _) in volumes(record) {
        if let Err(error) = engine.volumes.release(&name, &record.id) {
            tracing::warn!(volume = %name, %error, "cannot release a volume");
        }
    }
}

/// Its volumes, each with what of the host may be mounted for it.
pub(crate) fn volumes(record: &Record) -> impl Iterator<Item = (VolumeName, Option<&[PathBuf]>)> {
    record.mounts.iter().filter_map(|mount| {
        let name = VolumeName::parse(&mount.point.name).ok()?;
        Some((name, mount.device_within.as_deref()))
    })
}

/// What is held so far; dropped before it is kept, it is given back.
struct Held<'a> {
    engine: &'a Inner,
    record: &'a Record,
    network: NetworkState,
    kept: bool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let_go(self.engine, self.record, &self.network);
        }
    }
}

/// Removes what a container leaves in the exec root, and its cgroup if that is left.
pub(crate) fn clean(run_directory: &Path, cgroup: Option<&Path>) {
    if let Some(path) = cgroup
        && let Ok(cgroup) = Cgroup::open(path)
        && let Err(error) = cgroup.delete()
    {
        tracing::debug!(%error, "cannot remove a cgroup");
    }
    match fs::remove_dir_all(run_directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %run_directory.display(), %error, "cannot remove a run directory");
        }
        _ => {}
    }
}

fn describe(
    engine: &Inner,
    container: &Container,
    record: &Record,
    network: &NetworkState,
    peers: Peers,
    staged: &Staged,
) -> Result<Request, StartError> {
    let store = |error: &dyn std::fmt::Display| FaultError::Store(error.to_string());
    let snapshot = engine
        .store
        .snapshot(&record.id)
        .map_err(|error| store(&error))?;
    let groups = record.host_config.group_add.clone().unwrap_or_default();
    let identity = rootfs::of_layers(&snapshot, &record.config.user, &groups)
        .map_err(|error| ConfigError::User(error.to_string()))?;
    for server in record.host_config.dns.iter().flatten() {
        if server.parse::<std::net::IpAddr>().is_err() {
            return Err(ConfigError::Dns(server.clone()).into());
        }
    }
    let links = Links::find(engine, record)?;
    write_files(engine, container, record, network, &links)
        .map_err(FaultError::file("write network files"))?;
    make_bind_sources(record, engine.config.ids.root())?;
    let owner = network_owner(engine, record)?;
    // Who shares a network is called as its owner, and sees its files.
    let mut shown = record.clone();
    if let Some(owner) = &owner {
        let hostname = &owner.facts().record.config.hostname;
        shown.config.hostname.clone_from(hostname);
    }
    let spec = spec::build(&Inputs {
        engine: &engine.config,
        record: &shown,
        directory: owner
            .as_ref()
            .map_or(&container.directory, |owner| &owner.directory),
        identity: &identity,
        netns: (!network.netns.is_empty()).then(|| PathBuf::from(&network.netns)),
        peers,
        staged: staged.paths(),
        link_environment: &links.environment,
    })?;
    let bundle = container.run_directory.clone();
    let write = || {
        fs::create_dir_all(bundle.join("rootfs"))?;
        fs::write(bundle.join(CONFIG_FILE), serde_json::to_vec(&spec)?)
    };
    write().map_err(FaultError::file("write the bundle"))?;
    let config = &record.config;
    Ok(Request::Create(Box::new(CreateRequest {
        id: record.id.clone(),
        bundle,
        rootfs: Rootfs::Overlay {
            lower: snapshot.lower,
            upper: snapshot.upper,
            work: snapshot.work,
        },
        terminal: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        console_size: record.host_config.console_size,
        log: log_driver::target(engine, container, record)
            .map_err(|reason| super::failure::no_log(&reason))?,
        exit_file: container.directory.join(EXIT),
        runtime: runtime::choose(&record.host_config.runtime, &engine.config)?,
    })))
}

/// The container whose network is shared.
fn network_owner(engine: &Inner, record: &Record) -> Result<Option<Arc<Container>>, StartError> {
    match NetworkMode::parse(&record.host_config.network_mode) {
        Ok(NetworkMode::Container(name)) => Ok(Some(engine.registry.find(&name)?)),
        _ => Ok(None),
    }
}

/// `hostname`, `hosts` and `resolv.conf`. They are rewritten at every start: the address may differ.
fn write_files(
    engine: &Inner,
    container: &Container,
    record: &Record,
    network: &NetworkState,
    links: &Links,
) -> io::Result<()> {
    let directory = &container.directory;
    match fs::remove_file(directory.join(EXIT)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(
        directory.join("hostname"),
        format!("{}\n", record.config.hostname),
    )?;
    let shares_host = record.host_config.network_mode == "host";
    let own_hosts = record
        .host_config
        .extra_hosts
        .as_ref()
        .is_some_and(|hosts| !hosts.is_empty());
    let hosts = match fs::read_to_string("/etc/hosts") {
        Ok(text) if shares_host && !own_hosts => text,
        _ => {
            let endpoint = network
                .endpoints
                .iter()
                .find_map(|joined| joined.endpoint.as_ref());
            let gateway = endpoint.map(|endpoint| endpoint.gateway.to_string());
            network::hosts_file(record, network, gateway, &links.hosts)
        }
    };
    fs::write(directory.join("hosts"), hosts)?;
    let host = if shares_host {
        fs::read_to_string("/etc/resolv.conf").unwrap_or_default()
    } else {
        lockgate_net::host_resolv_conf()
    };
    let embedded = network::uses_embedded(engine, network);
    let resolv_conf = network::resolv_conf(record, &engine.config, &host, shares_host, embedded);
    fs::write(directory.join("resolv.conf"), resolv_conf)?;
    let (uid, gid) = engine.config.ids.root();
    for name in ["hostname", "hosts", "resolv.conf"] {
        chown(directory.join(name), Some(uid), Some(gid))?;
    }
    Ok(())
}

/// Docker makes missing sources of short-form binds as directories, which belong to the containers' root.
pub(crate) fn make_bind_sources(record: &Record, owner: (u32, u32)) -> Result<(), WithinError> {
    for mount in record
        .mounts
        .iter()
        .filter(|mount| mount.point.kind == MountType::Bind)
    {
        if fs::symlink_metadata(&mount.point.source).is_ok() {
            continue;
        }
        if let Some(roots) = &mount.within {
            within::make(&mount.point.source, roots, owner)?;
        } else {
            make_directories(Path::new(&mount.point.source), owner)
                .map_err(FaultError::file("error while creating mount source path"))?;
        }
    }
    Ok(())
}

fn make_directories(path: &Path, owner: (u32, u32)) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(path)?;
    for made in missing {
        chown(made, Some(owner.0), Some(owner.1))?;
    }
    Ok(())
}
