//! A door in a temporary folder: a unix socket, a TLS port, a fake behind them.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_access::{Access, AuditLog, Policy, SocketOwners};
use lockgate_gate::{Gate, GateConfig, GateHandle, Host, Limits, SocketGroup, TlsFiles};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::authority::{Authority, Wish};
use crate::fake::Fake;
use crate::raw::Client;

pub(crate) struct Door {
    pub(crate) fake: Arc<Fake>,
    pub(crate) authority: Authority,
    pub(crate) handle: GateHandle,
    pub(crate) tcp: Option<SocketAddr>,
    pub(crate) metrics: SocketAddr,
    pub(crate) dir: TempDir,
    runtime: Runtime,
    stop: Arc<Notify>,
    task: Option<JoinHandle<()>>,
}

/// How a door differs from the usual one.
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) policy: Option<&'static str>,
    pub(crate) tls12: bool,
    pub(crate) crl: bool,
    pub(crate) insecure: bool,
    pub(crate) audit: Option<&'static str>,
    pub(crate) tracer: Option<Arc<dyn lockgate_gate::Tracer>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits {
                drain: Duration::from_secs(2),
                ..Limits::default()
            },
            policy: None,
            tls12: false,
            crl: false,
            insecure: false,
            audit: None,
            tracer: None,
        }
    }
}

impl Door {
    pub(crate) fn open() -> Self {
        Self::open_with(Options::default())
    }

    pub(crate) fn open_with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("test authority");
        std::fs::write(dir.path().join("ca.pem"), &authority.pem).unwrap();
        authority
            .issue(&Wish::server())
            .write(&dir.path().join("server"));
        let files = TlsFiles {
            ca: dir.path().join("ca.pem"),
            certificate: dir.path().join("server/cert.pem"),
            key: dir.path().join("server/key.pem"),
            crl: options.crl.then(|| dir.path().join("crl.pem")),
            crl_grace: Duration::ZERO,
            warn_before: Duration::from_hours(14 * 24),
            tls12: options.tls12,
        };
        if let Some(crl) = &files.crl {
            let next_week = time::OffsetDateTime::now_utc() + time::Duration::weeks(1);
            std::fs::write(crl, authority.revoke(&[], next_week)).unwrap();
        }
        let audit = options
            .audit
            .map_or_else(|| dir.path().join("audit.log"), PathBuf::from);
        let policy = options
            .policy
            .map_or_else(Policy::absent, |text| Policy::parse(text).unwrap());
        let owners = SocketOwners { groups: Vec::new() };
        let access = Arc::new(Access::new(policy, owners, AuditLog::open(&audit).unwrap()));
        let config = GateConfig {
            hosts: vec![
                Host::Unix(dir.path().join("sock")),
                Host::Tcp {
                    ip: [127, 0, 0, 1].into(),
                    port: Some(0),
                },
            ],
            opened: Vec::new(),
            tls: (!options.insecure).then_some(files),
            insecure_loopback: options.insecure,
            group: SocketGroup::IfExists("no-such-group".to_owned()),
            limits: options.limits,
            version: "1.2.3".to_owned(),
            metrics: Some(([127, 0, 0, 1], 0).into()),
            tracer: options.tracer,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let gate = runtime.block_on(async { Gate::bind(config, access).unwrap() });
        let tcp = gate
            .addresses()
            .iter()
            .find_map(|name| name.strip_prefix("tcp://")?.parse().ok());
        let metrics = gate.metrics_address().unwrap();
        let (fake, stop, handle) = (
            Arc::new(Fake::default()),
            Arc::new(Notify::new()),
            gate.handle(),
        );
        let (backend, stopped) = (Arc::clone(&fake), Arc::clone(&stop));
        let task = runtime.spawn(async move { gate.serve(backend, stopped.notified()).await });
        Self {
            fake,
            authority,
            handle,
            tcp,
            metrics,
            dir,
            runtime,
            stop,
            task: Some(task),
        }
    }

    pub(crate) fn unix(&self) -> Client<UnixStream> {
        Client::new(UnixStream::connect(self.dir.path().join("sock")).unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.tcp.unwrap()
    }

    /// The lines of the audit trail.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("audit.log")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits for a line of the audit trail.
    pub(crate) fn recorded(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("a record", || {
            self.audit().into_iter().find(|line| wanted(line))
        })
    }

    /// The reason of the first refusal before a call.
    pub(crate) fn refused(&self) -> String {
        let line = self.recorded(|line| line["event"] == "refused");
        line["reason"].as_str().unwrap().to_owned()
    }

    /// Puts another policy in place, as a reload does.
    pub(crate) fn reload_policy(&self, text: &str) {
        self.handle.set_policy(Policy::parse(text).unwrap());
    }

    /// Tells the daemon to stop, as SIGTERM does.
    pub(crate) fn begin_stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until it has.
    pub(crate) fn join(&mut self) {
        let task = self.task.take().unwrap();
        self.runtime.block_on(task).unwrap();
    }
}

/// Waits until something is so, for ten seconds at most.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
