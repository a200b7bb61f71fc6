//! Networks that users made, as they are kept on disk.
//!
//! ```text
//! D/networks/<id>/
//!   network.json   the record below; a directory without it was never answered, or removed
//!   bridge.json    says that the bridge link was made here
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ipnet::Ipv4Net;
use lockgate_net::{Bounds, Bridge, BridgeConfig, NetError, Shared};
use lockgate_sys::file::{Durability, write_atomic};
use lockgate_types::{NetworkId, Timestamp};
use serde::{Deserialize, Serialize};

use super::options::BridgeOptions;
use super::view::IpamPool;
use crate::config::EngineConfig;

/// A network as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetworkRecord {
    pub(crate) schema: u32,
    pub(crate) id: NetworkId,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) internal: bool,
    pub(crate) attachable: bool,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) ipam_options: Option<BTreeMap<String, String>>,
    /// What inspect shows: what was asked for, or what was chosen.
    pub(crate) shown: IpamPool,
    /// The user chose the subnet, so he may choose addresses of it.
    pub(crate) subnet_was_chosen: bool,
    pub(crate) subnet: Ipv4Net,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) ip_range: Option<Ipv4Net>,
}

/// Where networks of users get what they do not say themselves.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) table: String,
    pub(crate) mtu: u32,
    pub(crate) default_host_ip: Ipv4Addr,
    pub(crate) root: PathBuf,
    pub(crate) netns_dir: PathBuf,
}

/// A network that a user made, with its bridge.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) record: NetworkRecord,
    /// `None` if it could not be brought up at the engine's start; the log says why.
    pub(crate) bridge: Option<Bridge>,
    /// Held for reading while a container is attached, so that the network does not go meanwhile.
    removed: RwLock<bool>,
}

impl Defaults {
    /// What the default bridge has, networks of users have as well.
    pub(crate) fn of(config: &EngineConfig) -> Self {
        let bridge = config.bridge.as_ref();
        Self {
            table: bridge.map_or_else(|| "lockgate".to_owned(), |b| b.table.clone()),
            mtu: bridge.map_or(1500, |b| b.mtu),
            default_host_ip: bridge.map_or(Ipv4Addr::UNSPECIFIED, |b| b.default_host_ip),
            root: config.data_root.join("networks"),
            netns_dir: config.exec_root.join("netns"),
        }
    }
}

impl NetworkRecord {
    /// `D/networks/<id>`.
    pub(crate) fn directory(&self, defaults: &Defaults) -> PathBuf {
        defaults.root.join(self.id.as_str())
    }

    /// What the bridge is to be.
    pub(crate) fn bridge_config(
        &self,
        options: &BridgeOptions,
        defaults: &Defaults,
    ) -> BridgeConfig {
        let short: String = self.id.as_str().chars().take(12).collect();
        BridgeConfig {
            name: options
                .name
                .clone()
                .unwrap_or_else(|| format!("br-{short}")),
            subnet: self.subnet,
            gateway: self.gateway,
            mtu: options.mtu.unwrap_or(defaults.mtu),
            icc: options.icc,
            ip_masq: options.ip_masq,
            default_host_ip: options.host_ip.unwrap_or(defaults.default_host_ip),
            table: format!("{}_{short}", defaults.table),
            state_dir: self.directory(defaults),
            netns_dir: defaults.netns_dir.clone(),
            bounds: Bounds {
                internal: self.internal,
                ip_range: self.ip_range,
                reserved: self.reserved(),
            },
        }
    }

    fn reserved(&self) -> Vec<Ipv4Addr> {
        let auxiliary = self.shown.auxiliary_addresses.iter().flatten();
        auxiliary.filter_map(|(_, ip)| ip.parse().ok()).collect()
    }

    /// Once written the network exists, whatever happens to the machine.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let bytes = serde_json::to_vec_pretty(self)?;
        write_atomic(&directory.join(RECORD), &bytes, Durability::PowerLoss)
    }

    fn read(directory: &Path) -> io::Result<Option<Self>> {
        match fs::read(directory.join(RECORD)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From here on the network does not exist any more.
    pub(crate) fn forget(directory: &Path) -> io::Result<()> {
        fs::remove_file(directory.join(RECORD))
    }
}

impl Custom {
    pub(crate) fn new(record: NetworkRecord, bridge: Option<Bridge>) -> Self {
        Self {
            record,
            bridge,
            removed: RwLock::new(false),
        }
    }

    /// The bridge, for as long as the guard lives, or `None` if the network is gone.
    pub(crate) fn bridge(&self) -> Option<(&Bridge, RwLockReadGuard<'_, bool>)> {
        let removed = self.removed.read().unwrap_or_else(PoisonError::into_inner);
        if *removed {
            return None;
        }
        Some((self.bridge.as_ref()?, removed))
    }

    /// Keeps containers away; whoever sets it to true removes the network.
    pub(crate) fn lock(&self) -> RwLockWriteGuard<'_, bool> {
        self.removed.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings all networks up that are on disk; clears what was never answered.
pub(crate) fn open_all(
    defaults: &Defaults,
    shared: &Shared,
) -> io::Result<BTreeMap<NetworkId, Custom>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&defaults.root)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Ok(id) = NetworkId::parse(&name) else {
            continue;
        };
        match NetworkRecord::read(&path) {
            Ok(Some(record)) if record.schema <= SCHEMA && record.id == id => {
                let bridge = bring_up(&record, defaults, shared);
                found.insert(id, Custom::new(record, bridge));
            }
            Ok(Some(record)) => {
                tracing::error!(path = %path.display(), schema = record.schema, "an unknown record, left alone");
            }
            Ok(None) => discard(&id, defaults),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "cannot read network.json, left alone");
            }
        }
    }
    Ok(found)
}

fn bring_up(record: &NetworkRecord, defaults: &Defaults, shared: &Shared) -> Option<Bridge> {
    let options = BridgeOptions::parse(&record.options).unwrap_or_default();
    match Bridge::open_with(record.bridge_config(&options, defaults), shared.clone()) {
        Ok(bridge) => Some(bridge),
        Err(error) => {
            let reason = super::NetworkError::failed(&error);
            tracing::error!(network = %record.name, %reason, "cannot bring a network up");
            None
        }
    }
}

/// Removes what is left of a network that was never answered, or half removed.
pub(crate) fn discard(id: &NetworkId, defaults: &Defaults) {
    let short: String = id.as_str().chars().take(12).collect();
    let directory = defaults.root.join(id.as_str());
    tracing::info!(network = %id, "removing what is left of a network");
    let table = format!("{}_{short}", defaults.table);
    for error in lockgate_net::discard(&directory, &table) {
        let error: &NetError = &error;
        tracing::warn!(network = %id, %error, "cannot remove it all");
    }
    if let Err(error) = fs::remove_dir_all(&directory) {
        tracing::warn!(path = %directory.display(), %error, "cannot remove it");
    }
}

const RECORD: &str = "network.json";
/// The version of the record's shape.
pub(crate) const SCHEMA: u32 = 1;
