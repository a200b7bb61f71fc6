//! Names on networks of users: who is called what, and who may know it.
//!
//! A container knows the names of those who share a network of a user with it, by container name,
//! short id, host name and alias, each also with `.NETWORK` behind it. The default bridge gives no
//! names, as in Docker.

mod serve;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lockgate_net::dns;
use lockgate_types::ContainerId;
use tokio::task::AbortHandle;

use crate::container::record::Record;
use crate::container::state::NetworkState;
use crate::engine::Inner;

/// The name servers of all running containers that have one.
#[derive(Default)]
pub(crate) struct NameServers(Mutex<BTreeMap<ContainerId, NameServer>>);

struct NameServer {
    sight: Arc<Sight>,
    task: AbortHandle,
}

/// What one container's name server goes by.
#[derive(Debug)]
struct Sight {
    container: ContainerId,
    netns: PathBuf,
    /// Who is asked about everything else.
    servers: Vec<IpAddr>,
    /// `--link`: other names of containers, in this container only.
    links: BTreeMap<String, String>,
    place: RwLock<Place>,
    turn: AtomicUsize,
}

/// What changes when the container connects and disconnects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    networks: Vec<String>,
    /// A container that can reach nothing outside learns nothing of it either.
    leads_out: bool,
}

impl NameServers {
    /// Gives a container its name server, takes it away, or lets it know where the container is
    /// by now. Blocks.
    pub(crate) fn update(
        &self,
        engine: &Arc<Inner>,
        record: &Record,
        network: &NetworkState,
    ) -> Result<(), lockgate_net::NetError> {
        let place = Place::of(network, engine);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.networks.is_empty() {
            if let Some(server) = all.remove(&record.id) {
                server.task.abort();
            }
            return Ok(());
        }
        if let Some(server) = all.get(&record.id) {
            *server
                .sight
                .place
                .write()
                .unwrap_or_else(PoisonError::into_inner) = place;
            return Ok(());
        }
        let host = lockgate_net::host_resolv_conf();
        let sight = Arc::new(Sight {
            container: record.id.clone(),
            netns: PathBuf::from(&network.netns),
            servers: super::resolver::embedded(record, &engine.config, &host).1,
            links: links(record),
            place: RwLock::new(place),
            turn: AtomicUsize::new(0),
        });
        let sockets = dns::open(&sight.netns)?;
        let serving = serve::run(Arc::downgrade(engine), Arc::clone(&sight), sockets);
        let task = engine.tasks.spawn(serving).abort_handle();
        all.insert(record.id.clone(), NameServer { sight, task });
        Ok(())
    }

    /// The container has ended.
    pub(crate) fn end(&self, container: &ContainerId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = all.remove(container) {
            server.task.abort();
        }
    }
}

impl Place {
    fn of(network: &NetworkState, engine: &Inner) -> Self {
        let endpoints = || network.endpoints.iter().filter(|j| j.endpoint.is_some());
        Self {
            networks: endpoints()
                .map(|joined| joined.network_id.clone())
                .filter(|id| engine.networks.get(id).is_some())
                .collect(),
            leads_out: endpoints().any(|j| j.endpoint.as_ref().is_some_and(|e| !e.internal)),
        }
    }
}

/// `name:alias` or `name`, of the container and of its endpoints.
fn links(record: &Record) -> BTreeMap<String, String> {
    let of_endpoints = record
        .networks
        .values()
        .flat_map(|s| s.links.iter().flatten());
    record
        .host_config
        .links
        .iter()
        .flatten()
        .chain(of_endpoints)
        .map(|link| {
            let (name, alias) = link.split_once(':').unwrap_or((link, link));
            let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
            (last(alias).to_lowercase(), last(name))
        })
        .collect()
}

/// What a container is called on one of its networks, in dockerd's order.
pub(crate) fn names_of(record: &Record, network: &str) -> Vec<String> {
    let aliases = record
        .networks
        .get(network)
        .and_then(|settings| settings.aliases.clone())
        .unwrap_or_default();
    let mut names = vec![record.name.to_string()];
    let rest = [record.id.short().to_owned(), record.config.hostname.clone()];
    for name in aliases.into_iter().chain(rest) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// One container's view of the others at one moment.
struct View<'a> {
    engine: &'a Inner,
    sight: &'a Sight,
    place: Place,
}

impl<'a> View<'a> {
    fn new(engine: &'a Inner, sight: &'a Sight) -> Self {
        let place = sight.place.read().unwrap_or_else(PoisonError::into_inner);
        Self {
            engine,
            sight,
            place: place.clone(),
        }
    }

    /// Calls `visit` with each endpoint that can be seen: its container, its network, its address.
    fn each(&self, mut visit: impl FnMut(&Record, &str, Ipv4Addr)) {
        for container in self.engine.registry.all() {
            let facts = container.facts();
            for joined in &facts.state.network.endpoints {
                if let Some(endpoint) = &joined.endpoint
                    && self.place.networks.contains(&joined.network_id)
                {
                    visit(&facts.record, &joined.name, endpoint.ip);
                }
            }
        }
    }
}

impl dns::Names for View<'_> {
    fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>> {
        let linked = self.sight.links.get(name).map(|name| name.to_lowercase());
        let name = linked.as_deref().unwrap_or(name);
        let mut found = Vec::new();
        self.each(|record, network, ip| {
            let bare = name
                .strip_suffix(&network.to_lowercase())
                .and_then(|rest| rest.strip_suffix('.'));
            let is_called = |wanted: &str| {
                names_of(record, network)
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(wanted))
            };
            if is_called(name) || bare.is_some_and(is_called) {
                found.push(ip);
            }
        });
        // Those who share a name take turns.
        let turn = self.sight.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(first) = turn.checked_rem(found.len()) {
            found.rotate_left(first);
        }
        (!found.is_empty()).then_some(found)
    }

    fn name_of(&self, address: Ipv4Addr) -> Option<String> {
        let mut found = None;
        self.each(|record, network, ip| {
            if ip == address {
                found = Some(format!("{}.{network}", record.name));
            }
        });
        found
    }
}
