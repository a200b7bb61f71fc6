//! Other containers whose namespaces a container shares.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::shm;
use crate::container::error::{FaultError, StartError};
use crate::container::record::Record;
use crate::container::spec::Peers;
use crate::container::{ConfigError, Container};
use crate::engine::Inner;
use crate::network::NetworkMode;

/// The processes of the containers whose namespaces are shared.
pub(super) fn find(engine: &Inner, record: &Record) -> Result<Peers, StartError> {
    let host = &record.host_config;
    let network = match NetworkMode::parse(&host.network_mode) {
        Ok(NetworkMode::Container(name)) => Some(network_peer(engine, &name)?),
        _ => None,
    };
    let ipc = namespace_peer(engine, &host.ipc_mode, "IPC")?;
    if let Some(ipc) = &ipc
        && matches!(
            ipc.facts().record.host_config.ipc_mode.as_str(),
            "private" | "none"
        )
    {
        return Err(ConfigError::NotShareable(ipc.id.to_string()).into());
    }
    let pid = namespace_peer(engine, &host.pid_mode, "PID")?;
    let pid_of = |container: &Arc<Container>| container.facts().state.pid;
    let (ipc_pid, pid) = (ipc.as_ref().map(pid_of), pid.as_ref().map(pid_of));
    let remapped = engine.config.ids_of(&host.userns_mode).is_some();
    let joined: Vec<i32> = [network, ipc_pid, pid].into_iter().flatten().collect();
    Ok(Peers {
        user: match joined.first() {
            Some(first) if remapped => Some(shared_user(*first, &joined)?),
            _ => None,
        },
        network,
        shm: ipc.as_ref().map(
            |ipc| match ipc.facts().record.host_config.ipc_mode.as_str() {
                "shareable" => shm::place(&engine.config.exec_root, &ipc.id),
                _ => PathBuf::from("/dev/shm"),
            },
        ),
        ipc: ipc_pid,
        pid,
    })
}

/// The process of the container whose network is joined.
fn network_peer(engine: &Inner, name: &str) -> Result<i32, StartError> {
    let container = engine
        .registry
        .find(name)
        .map_err(|error| StartError::JoinNetwork(error.to_string()))?;
    let facts = container.facts();
    if facts.state.status.has_process() {
        return Ok(facts.state.pid);
    }
    Err(ConfigError::JoinNetwork {
        name: name.to_owned(),
        status: facts.state.status.as_str(),
    }
    .into())
}

/// The container whose namespace is joined; it must run.
fn namespace_peer(
    engine: &Inner,
    mode: &str,
    what: &'static str,
) -> Result<Option<Arc<Container>>, StartError> {
    let Some(name) = mode.strip_prefix("container:") else {
        return Ok(None);
    };
    if name.is_empty() {
        return Err(ConfigError::JoinNobody(what).into());
    }
    let container = engine.registry.find(name)?;
    if container.facts().state.status.has_process() {
        return Ok(Some(container));
    }
    let id = container.id.to_string();
    Err(ConfigError::JoinNamespace { what, id }.into())
}

/// The process whose user namespace is joined with the others: whoever is root in one has power over those namespaces
/// alone that belong to it.
fn shared_user(first: i32, joined: &[i32]) -> Result<i32, StartError> {
    let of = |pid: &str| {
        let found = fs::metadata(format!("/proc/{pid}/ns/user"));
        found
            .map(|found| found.ino())
            .map_err(FaultError::file("look at a user namespace"))
    };
    let shared = of(&first.to_string())?;
    if shared == of("self")? {
        return Err(ConfigError::JoinHosts.into());
    }
    for pid in joined {
        if of(&pid.to_string())? != shared {
            return Err(ConfigError::JoinTwo.into());
        }
    }
    Ok(first)
}
