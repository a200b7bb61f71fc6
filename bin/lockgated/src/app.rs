//! Wires the door to the engine, and runs until told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use lockgate_access::{Access, AuditLog, Policy, Sink, SocketOwners};
use lockgate_engine::{Engine, EngineConfig};
use lockgate_gate::{Backend, Gate, GateHandle};
use lockgate_guard::Guard;
use lockgate_net::BridgeConfig;
use lockgate_rest::Rest;
use lockgate_telemetry::Telemetry;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::authority;
use crate::config::{BridgeChoice, Config, GuardChoice};
use crate::place::{self, PidFile};
use crate::rootless;
use crate::watch::Watched;
use crate::watchdog;

/// Runs the daemon. Returns when it has stopped.
pub(crate) async fn run(mut config: Config) -> Result<()> {
    let _lock = place::lock_data_root(&config.data_root)?;
    place::make_mapped_root(&config.engine)?;
    place::make_directory(&config.engine.exec_root, 0o711)?;
    let _pidfile = PidFile::write(&config.pidfile)?;
    settle(&config);
    // Before any of them is read: a file that changes while we start is read again.
    let watched = Watched::new(watched_files(&config));

    // First: it signs the list that the door asks for.
    authority::serve(&config.authority).await?;
    let telemetry = telemetry(&mut config);
    let audit = AuditLog::open_with(config.audit.clone()).map_err(chain)?;
    if let Some(key) = audit.key() {
        tracing::info!(
            key = key.id(),
            "the audit log is signed; keep its public key elsewhere too"
        );
    }
    let group = config.gate.group.number()?;
    let owners = SocketOwners {
        groups: group.into_iter().collect(),
    };
    let access = Arc::new(Access::new(first_policy(&config), owners, audit));
    let tls = config.gate.tls.clone();
    let gate = Gate::bind(config.gate, access)?;
    authority::follow(config.authority, tls, gate.handle());
    for address in gate.addresses() {
        tracing::info!(address, "listening");
    }
    if let Some(address) = gate.metrics_address() {
        tracing::info!(%address, "metrics for everybody who reaches this address");
    }

    let behind = match config.guard {
        Some(guard) => Behind::Daemon(Arc::new(guarding(guard, &config.data_root)?)),
        None => Behind::Engine(engine(config.engine, config.bridge).await?),
    };
    let stop = Arc::new(Notify::new());
    tokio::spawn(obey_signals(
        (gate.handle(), behind.engine()),
        config.policy,
        watched,
        Arc::clone(&stop),
    ));
    let audit = gate.handle();
    notify(&NotifyState::Ready);
    watchdog::start(behind.engine());
    tracing::info!("ready");
    let holder = config.holder.take();
    let mut is_lost = false;
    let asked_or_lost = async {
        tokio::select! {
            () = stop.notified() => {}
            () = rootless::lost(holder) => {
                is_lost = true;
                tracing::error!("THE PROCESS THAT HOLDS THE NETWORK HAS ENDED, and published ports with it: stopping");
            }
        }
    };
    gate.serve(behind.backend(), asked_or_lost).await;

    let unused = behind.holder().filter(|_| !is_lost);
    behind.close().await;
    if let Some(socket) = unused {
        tracing::info!("no container runs: the user's namespaces end");
        if let Err(error) = rootless::leave(&socket) {
            tracing::warn!(%error, "cannot end the process that holds them");
        }
    }
    audit.access().audit().close();
    if let Some(telemetry) = telemetry {
        telemetry.close().await;
    }
    if is_lost {
        bail!(
            "lockgate-rootless was killed; containers live on: start the daemon again, which mends their network"
        );
    }
    tracing::info!("stopped");
    Ok(())
}

/// Completes certificates that a process was killed over while it put them into place.
fn settle(config: &Config) {
    let files = config.gate.tls.iter();
    let files = files.flat_map(|tls| [&tls.ca, &tls.certificate, &tls.key]);
    for directory in files.filter_map(|file| file.parent()) {
        match lockgate_pki::settle(directory) {
            Ok(0) => {}
            Ok(_) => tracing::warn!(
                directory = %directory.display(),
                "somebody was killed while replacing certificates: the new ones are in place now"
            ),
            Err(error) => {
                tracing::warn!(error = %error, "cannot look for half-replaced certificates");
            }
        }
    }
}

/// The way to the collector, if there is one.
fn telemetry(config: &mut Config) -> Option<Arc<Telemetry>> {
    let endpoint = config.otlp.as_ref()?;
    let telemetry = Arc::new(Telemetry::start(endpoint, env!("CARGO_PKG_VERSION")));
    if config.audit_to_otlp {
        let outlet = Arc::clone(&telemetry);
        config.audit.sinks.push(Sink::outlet(outlet));
    }
    config.gate.tracer = Some(Arc::clone(&telemetry) as _);
    Some(telemetry)
}

/// The file below the data root that says who prepared which exec.
const EXECS: &str = "guard-execs";

fn guarding(guard: GuardChoice, data_root: &Path) -> Result<Guard> {
    tracing::info!(upstream = %guard.upstream, "guarding another daemon");
    let execs = data_root.join(EXECS);
    Guard::new(guard.upstream, guard.patches, &execs)
        .with_context(|| format!("cannot use {}", execs.display()))
}

/// What stands behind the door.
enum Behind {
    Engine(Engine),
    Daemon(Arc<Guard>),
}

impl Behind {
    fn backend(&self) -> Arc<dyn Backend> {
        match self {
            Self::Engine(engine) => Arc::new(Rest::new(engine.clone())),
            Self::Daemon(guard) => Arc::clone(guard) as _,
        }
    }

    /// The engine, if it is ours.
    fn engine(&self) -> Option<Engine> {
        match self {
            Self::Engine(engine) => Some(engine.clone()),
            Self::Daemon(_) => None,
        }
    }

    /// The process that holds a rootless daemon's namespaces, if nothing else needs them any more.
    fn holder(&self) -> Option<PathBuf> {
        let engine = self.engine().filter(|engine| !engine.runs_anything())?;
        engine.config().ports_outside.clone()
    }

    async fn close(self) {
        match self {
            Self::Engine(engine) => engine.close().await,
            Self::Daemon(_) => {}
        }
    }
}

async fn engine(mut config: EngineConfig, choice: Option<BridgeChoice>) -> Result<Engine> {
    config.bridge = choice
        .map(|choice| bridge(choice, &config.data_root, &config.exec_root))
        .transpose()?;
    Engine::open(config).await.map_err(chain)
}

/// An error with all its causes in one line.
fn chain(error: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    anyhow!("{:#}", anyhow::Error::new(error))
}

/// Checks what `--validate` checks beyond the settings themselves.
pub(crate) fn validate(config: &Config) -> Result<()> {
    Policy::load(&config.policy)
        .map_err(chain)
        .with_context(|| config.policy.display().to_string())?;
    config.gate.group.number()?;
    if let Some(files) = &config.gate.tls {
        files.check()?;
    }
    Ok(())
}

/// The bridge, with an address that is free on this host if none was chosen.
fn bridge(choice: BridgeChoice, data_root: &Path, exec_root: &Path) -> Result<BridgeConfig> {
    let address = match choice.address {
        Some(address) => Some(address),
        None => lockgate_net::address_of(&choice.name).map_err(chain)?,
    };
    let (subnet, gateway) = if let Some(address) = address {
        (address.trunc(), address.addr())
    } else {
        let subnet = lockgate_net::pick_subnet().map_err(chain)?;
        let first = subnet.hosts().next().unwrap_or_else(|| subnet.network());
        (subnet, first)
    };
    Ok(BridgeConfig {
        name: choice.name,
        subnet,
        gateway,
        mtu: choice.mtu,
        icc: choice.icc,
        ip_masq: choice.ip_masq,
        default_host_ip: choice.default_host_ip,
        table: choice.table,
        state_dir: data_root.join("networks"),
        netns_dir: exec_root.join("netns"),
        bounds: lockgate_net::Bounds::default(),
    })
}

/// The policy at start. A file that cannot be used denies everything, and says so to the client.
fn first_policy(config: &Config) -> Policy {
    match Policy::load(&config.policy) {
        Ok(policy) => {
            if policy.is_absent() && config.gate.tls.is_some() {
                tracing::warn!(
                    file = %config.policy.display(),
                    "THERE IS NO POLICY FILE: EVERY VALID CLIENT CERTIFICATE IS ADMIN, WHICH IS ROOT"
                );
            }
            policy
        }
        Err(error) => {
            let reason = format!("{:#}", chain(error));
            tracing::error!(file = %config.policy.display(), reason, "THE POLICY FILE CANNOT BE USED: EVERYTHING IS DENIED but to the socket's owners");
            Policy::broken("the daemon's policy file cannot be used; see its log")
        }
    }
}

fn watched_files(config: &Config) -> Vec<PathBuf> {
    let tls = config.gate.tls.iter().flat_map(|files| {
        let three = [&files.ca, &files.certificate, &files.key]
            .into_iter()
            .cloned();
        three.chain(files.crl.clone())
    });
    tls.chain([config.policy.clone()]).collect()
}

/// Reloads on SIGHUP and when a file changes; stops on SIGTERM and SIGINT; a second one of these
/// ends the process at once.
async fn obey_signals(
    (gate, engine): (GateHandle, Option<Engine>),
    policy: PathBuf,
    mut files: Watched,
    stop: Arc<Notify>,
) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut end = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ];
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                reload_aside(&gate, &policy, Why::Signal).await;
                if let Some(engine) = &engine {
                    engine.recheck_firewall().await;
                }
            }
            () = files.changed() => reload_aside(&gate, &policy, Why::Change).await,
            () = tokio::time::sleep(RECHECK) => {
                let ended = gate.recheck();
                if ended > 0 {
                    tracing::warn!(ended, "connections ended: their certificates are believed no more");
                }
            }
            () = any(&mut end) => break,
        }
    }
    tracing::info!("stopping");
    notify(&NotifyState::Stopping);
    stop.notify_one();
    any(&mut end).await;
    tracing::warn!("stopping at once");
    #[expect(
        clippy::exit,
        reason = "whoever asks twice does not want to wait for anything"
    )]
    std::process::exit(EXIT_NOW)
}

/// How often open connections are judged again without a change of files: a revocation list may
/// have come to its hard limit.
const RECHECK: std::time::Duration = std::time::Duration::from_secs(15);

/// A long revocation list takes a while to read: not on a thread that serves.
async fn reload_aside(gate: &GateHandle, policy: &Path, why: Why) {
    let (gate, policy) = (gate.clone(), policy.to_owned());
    let reloaded = tokio::task::spawn_blocking(move || reload(&gate, &policy, why));
    if let Err(error) = reloaded.await {
        tracing::error!(error = %error, "reloading failed; everything stays as it was");
    }
}

/// The status of a process that a second signal ended.
const EXIT_NOW: i32 = 130;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Change,
    Signal,
}

async fn any(signals: &mut [Signal; 2]) {
    let [terminate, interrupt] = signals;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// All or nothing for each of TLS and policy: what cannot be used leaves the last good one.
fn reload(gate: &GateHandle, policy: &Path, why: Why) {
    tracing::info!(?why, "reloading");
    if let Err(error) = gate.reload_tls() {
        let error = format!("{:#}", chain(error));
        tracing::error!(
            error,
            "TLS FILES NOT RELOADED; the last good ones stay in use"
        );
    }
    match gate.access().read_policy(policy) {
        Ok(policy) => gate.set_policy(policy),
        Err(error) => {
            let error = format!("{:#}", chain(error));
            tracing::error!(error, "POLICY NOT RELOADED; the last good one stays in use");
        }
    }
    if why == Why::Signal
        && let Err(error) = gate.access().audit().reopen()
    {
        let error = format!("{:#}", chain(error));
        tracing::error!(error, "audit log not reopened; the old file stays in use");
    }
}

/// Tells the service manager, if there is one.
pub(crate) fn notify(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(error = %error, "cannot notify the service manager");
    }
}
