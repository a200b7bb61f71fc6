//! From flags and `daemon.json` to a configuration that can be built.

mod build;
mod error;
mod merge;
mod places;
mod remap;
mod table;
#[cfg(test)]
mod tests;
mod value;

use std::path::PathBuf;

use lockgate_access::AuditConfig;
use lockgate_engine::EngineConfig;
use lockgate_gate::GateConfig;
use lockgate_guard::{Patches, Upstream};

pub(crate) use merge::{Typed, command};

/// Everything that was chosen.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) gate: GateConfig,
    pub(crate) engine: EngineConfig,
    /// What the daemon locks; the engine's own is in it, where containers' users are mapped.
    pub(crate) data_root: PathBuf,
    /// The bridge of containers; `None` for no network.
    pub(crate) bridge: Option<BridgeChoice>,
    /// The daemon to stand before; the engine then stays off.
    pub(crate) guard: Option<GuardChoice>,
    pub(crate) authority: AuthorityConfig,
    pub(crate) policy: PathBuf,
    pub(crate) audit: AuditConfig,
    /// The OpenTelemetry collector, and whether it gets the audit lines.
    pub(crate) otlp: Option<lockgate_telemetry::Endpoint>,
    pub(crate) audit_to_otlp: bool,
    pub(crate) pidfile: PathBuf,
    /// Run by an ordinary user.
    pub(crate) rootless: bool,
    /// The process that holds an ordinary user's namespaces, once we are in them.
    pub(crate) holder: Option<std::os::fd::OwnedFd>,
    pub(crate) log_level: tracing::Level,
    pub(crate) colours: bool,
    /// For the log: precedence that was applied, settings without effect.
    pub(crate) notes: Vec<String>,
}

/// The daemon behind the door in guard mode.
#[derive(Clone, Debug)]
pub(crate) struct GuardChoice {
    pub(crate) upstream: Upstream,
    pub(crate) patches: Patches,
}

/// How revocations come in, and whether we are an authority ourselves.
#[derive(Clone, Debug)]
pub(crate) struct AuthorityConfig {
    /// `HOST:PORT` of the authority that we ask.
    pub(crate) server: Option<String>,
    /// How long a question may wait for an answer.
    pub(crate) poll: u32,
    /// The authority on this host.
    pub(crate) directory: Option<PathBuf>,
    /// Where it is served.
    pub(crate) listen: Option<std::net::SocketAddr>,
    pub(crate) advertise: Option<String>,
    pub(crate) passphrase_file: Option<PathBuf>,
    /// For how long after its end a certificate may still be renewed.
    pub(crate) grace: std::time::Duration,
}

/// What is known of the bridge before the host is looked at.
#[derive(Clone, Debug)]
pub(crate) struct BridgeChoice {
    pub(crate) name: String,
    pub(crate) address: Option<ipnet::Ipv4Net>,
    pub(crate) mtu: u32,
    pub(crate) icc: bool,
    pub(crate) ip_masq: bool,
    pub(crate) default_host_ip: std::net::Ipv4Addr,
    pub(crate) table: String,
}
