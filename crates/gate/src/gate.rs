//! The door as a whole: bind, serve, reload, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use lockgate_access::{Access, ElevationEnd, Policy};
use lockgate_api::Operation;
use lockgate_types::{ErrorKind, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::crowd::Crowd;
use crate::limits::Limits;
use crate::listen::{self, BindError, Host, Listener, Protection, Shared, SocketGroup};
use crate::metrics::{self, Metrics};
use crate::registry::{End, Live, Registry};
use crate::serve::{Door, Headers};
use crate::tls::{Expiry, ExpiryKind, TlsError, TlsFiles, TlsState};
use crate::trace::Tracer;
use crate::watch::Watch;

/// What the door is made of.
#[derive(Clone, Debug)]
pub struct GateConfig {
    /// Where to listen.
    pub hosts: Vec<Host>,
    /// Sockets that listen already on addresses of `hosts`.
    pub opened: Vec<(Host, Arc<std::net::TcpListener>)>,
    /// The TLS files; `tcp://` is refused without.
    pub tls: Option<TlsFiles>,
    /// Lets `tcp://` speak plain HTTP, on loopback addresses only. For tests.
    pub insecure_loopback: bool,
    /// The group of the unix sockets.
    pub group: SocketGroup,
    /// Limits.
    pub limits: Limits,
    /// Our version, for the `Server` header.
    pub version: String,
    /// Where metrics are given to whoever asks, without TLS.
    pub metrics: Option<SocketAddr>,
    /// Who gets the spans of requests.
    pub tracer: Option<Arc<dyn Tracer>>,
}

/// Why the door cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// A socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address for metrics is not free, or not ours.
    #[error("cannot listen for metrics on {address}")]
    MetricsAddress {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Two metrics of one name, which is a fault of ours.
    #[error("cannot count")]
    Metrics(#[from] prometheus::Error),
}

impl GateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Bind(error) => error.kind(),
            Self::Tls(error) => error.kind(),
            Self::MetricsAddress { .. } => ErrorKind::Unavailable,
            Self::Metrics(_) => ErrorKind::Internal,
        }
    }
}

/// Sockets that are open and not served yet.
#[derive(Debug)]
pub struct Gate {
    listeners: Vec<Listener>,
    handle: GateHandle,
    limits: Arc<Limits>,
    headers: Headers,
    metrics: Arc<Metrics>,
    watch: Arc<Watch>,
    tracer: Option<Arc<dyn Tracer>>,
    metrics_listener: Option<TcpListener>,
}

/// A way to change the door while it is served.
#[derive(Clone, Debug)]
pub struct GateHandle {
    access: Arc<Access>,
    registry: Arc<Registry>,
    files: Option<TlsFiles>,
    tls: Arc<ArcSwapOption<TlsState>>,
}

impl Gate {
    /// Opens the sockets, all of them or none. Needs a tokio runtime.
    pub fn bind(config: GateConfig, access: Arc<Access>) -> Result<Self, GateError> {
        if config.hosts.is_empty() {
            return Err(BindError::Nowhere.into());
        }
        let tls = config
            .tls
            .as_ref()
            .map(|files| load(files, None))
            .transpose()?;
        let protection = match (&tls, config.insecure_loopback) {
            (Some(_), _) => Protection::Tls,
            (None, true) => Protection::LoopbackOnly,
            (None, false) => Protection::Missing,
        };
        let group = config.group.number()?;
        let mut listeners = Vec::new();
        for host in &config.hosts {
            let mut opened = config.opened.iter().filter(|(of, _)| of == host);
            let opened = opened.next().map(|(_, socket)| &**socket);
            listeners.extend(listen::bind(host, opened, protection, group)?);
        }
        let handle = GateHandle {
            access,
            registry: Arc::default(),
            files: config.tls,
            tls: Arc::new(ArcSwapOption::from(tls.map(Arc::new))),
        };
        let warned = handle.files.as_ref().map(|files| files.warn_before);
        let headers = Headers::new(&config.version, warned.unwrap_or_default());
        let metrics = Arc::new(Metrics::new(&config.version)?);
        let watch = Arc::new(Watch::new(Arc::clone(&metrics)));
        handle.access.observe(Arc::clone(&watch) as _);
        let metrics_listener = config.metrics.map(metrics::bind).transpose()?;
        Ok(Self {
            metrics,
            watch,
            tracer: config.tracer,
            metrics_listener,
            listeners,
            handle,
            limits: Arc::new(config.limits),
            headers,
        })
    }

    /// What is listened on, with real port numbers.
    pub fn addresses(&self) -> Vec<String> {
        self.listeners
            .iter()
            .map(|listener| listener.name.clone())
            .collect()
    }

    /// Where metrics are given, with the real port number.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref()?.local_addr().ok()
    }

    /// A handle for reloading.
    pub fn handle(&self) -> GateHandle {
        self.handle.clone()
    }

    /// Serves until `stop`, then finishes what is being served.
    pub async fn serve(self, backend: Arc<dyn Backend>, stop: impl Future<Output = ()>) {
        let registry = Arc::clone(&self.handle.registry);
        let drain = self.limits.drain;
        let door = Arc::new(Door {
            access: Arc::clone(&self.handle.access),
            backend,
            limits: self.limits,
            registry: Arc::clone(&registry),
            quotas: Arc::default(),
            headers: self.headers,
            metrics: self.metrics,
            watch: self.watch,
            tracer: self.tracer,
            tls: Arc::clone(&self.handle.tls),
        });
        let stopping = watch::Sender::new(false);
        let crowd = Arc::new(Crowd::default());
        let mut loops = JoinSet::new();
        for listener in self.listeners {
            let shared = Shared {
                door: Arc::clone(&door),
                crowd: Arc::clone(&crowd),
                tls: Arc::clone(&self.handle.tls),
                stop: stopping.subscribe(),
            };
            loops.spawn(listen::accept(listener, shared));
        }
        if let Some(listener) = self.metrics_listener {
            let stop = stopping.subscribe();
            loops.spawn(metrics::serve(listener, Arc::clone(&door), stop));
        }
        stop.await;
        stopping.send_replace(true);
        loops.join_all().await;
        for elevation in door.access.elevations() {
            door.access
                .end_elevation(&elevation.id, ElevationEnd::Stopped);
        }
        finish(&registry, drain).await;
    }
}

/// Lets short requests finish; what would never end by itself is ended.
async fn finish(registry: &Registry, drain: std::time::Duration) {
    let endless = registry.end_where(End::Stopping, is_endless);
    tracing::info!(
        endless,
        "no new connections; waiting for requests to finish"
    );
    if tokio::time::timeout(drain, registry.empty()).await.is_err() {
        let cut = registry.end_where(End::Stopping, |_live| true);
        tracing::warn!(cut, "requests cut off after the grace period");
        // Cutting off is immediate; this only lets the records of it be written.
        tokio::time::timeout(drain, registry.empty())
            .await
            .unwrap_or_default();
    }
}

fn is_endless(live: &Live) -> bool {
    live.current().is_some_and(|operation| {
        [
            Operation::ContainerAttach,
            Operation::ContainerAttachWebsocket,
            Operation::ContainerLogs,
            Operation::ContainerStats,
            Operation::ContainerWait,
            Operation::ExecStart,
            Operation::SystemEvents,
        ]
        .contains(&operation)
    })
}

impl GateHandle {
    /// Reads the TLS files again. On any error the old ones stay; on success connections whose
    /// certificate is no longer believed are ended, streams included.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        let Some(files) = &self.files else {
            return Ok(());
        };
        let before = self.tls.load_full();
        let state = Arc::new(load(files, before.as_deref())?);
        self.tls.store(Some(state));
        let ended = self.recheck();
        tracing::info!(ended, "TLS files reloaded");
        Ok(())
    }

    /// Ends connections whose certificate is believed no more: it was revoked, or the revocation
    /// list is beyond its grace. Says how many.
    pub fn recheck(&self) -> usize {
        let Some(state) = self.tls.load_full() else {
            return 0;
        };
        let distrusted =
            |live: &Live| !live.peer.chain.is_empty() && !state.still_trusts(&live.peer.chain);
        self.registry.end_where(End::Revoked, distrusted)
    }

    /// What is in use and ends: our certificate, what leads to it, authorities and revocation lists.
    pub fn expiries(&self) -> Vec<Expiry> {
        let state = self.tls.load_full();
        state
            .map(|state| state.expiries.clone())
            .unwrap_or_default()
    }

    /// Says in the log what ends soon; a reload says it too.
    pub fn warn_of_ends(&self) {
        if let (Some(state), Some(files)) = (self.tls.load_full(), &self.files) {
            warn(&state, files.warn_before);
        }
    }

    /// Whose certificates were used since this was asked last: serial number, when, from where.
    pub fn take_seen(&self) -> Vec<(String, std::time::SystemTime, String)> {
        self.registry.take_seen()
    }

    /// Puts a policy in place, and ends what it does not allow any more.
    pub fn set_policy(&self, policy: Policy) {
        self.access.set_policy(policy);
        let ended = self.registry.end_where(End::Revoked, |live| {
            live.current()
                .is_some_and(|operation| !self.access.still_allows(&live.peer.principal, operation))
        });
        tracing::info!(ended, "policy in place");
    }

    /// The judge, for the audit trail.
    pub fn access(&self) -> &Access {
        &self.access
    }
}

fn load(files: &TlsFiles, before: Option<&TlsState>) -> Result<TlsState, TlsError> {
    let state = TlsState::load(files, before)?;
    warn(&state, files.warn_before);
    Ok(state)
}

/// Names what has ended or ends soon. A list that has ended is told of where it is chosen.
fn warn(state: &TlsState, before: std::time::Duration) {
    let now = Timestamp::now();
    for expiry in &state.expiries {
        let left = expiry.at.unix_seconds() - now.unix_seconds();
        let warned = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
        if expiry.kind == ExpiryKind::RevocationList {
            continue;
        }
        if left < 0 {
            tracing::error!(at = %expiry.at, "EXPIRED: {expiry}; whoever meets it refuses it");
        } else if left < warned {
            tracing::warn!(days = left / 86_400, at = %expiry.at, "ends soon: {expiry}");
        }
    }
}
