//! Typed configuration out of merged settings.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use lockgate_access::{AuditConfig, Sink};
use lockgate_engine::{EngineConfig, LogDefaults, RuntimeSpec};
use lockgate_gate::{GateConfig, Host, Limits, SocketGroup, TlsFiles};
use lockgate_guard::{Patches, Upstream, UpstreamError, UpstreamTls};
use lockgate_telemetry::Endpoint;
use lockgate_types::container::Ulimit;

use super::error::ConfigError;
use super::places::Places;
use super::remap;
use super::value::Settings;
use super::{AuthorityConfig, BridgeChoice, Config, GuardChoice, Typed};

impl Config {
    /// Reads everything and checks what can be checked without touching the host.
    pub(crate) fn load(typed: &Typed) -> Result<Self, ConfigError> {
        let (settings, mut notes) = typed.merge()?;
        let s = &settings;
        if s.has("live-restore") && !s.flag("live-restore", true) {
            notes.push("`live-restore` is always on: containers outlive the daemon".to_owned());
        }
        let rootless = s.flag("rootless", false);
        if rootless {
            check_rootless(s)?;
        }
        let places = places(rootless)?;
        let data_root = path(s, "data-root", || places.data_root.clone());
        let exec_root = path(s, "exec-root", || places.exec_root.clone());
        // Who moves the exec root moves the socket in it.
        let socket = match (rootless, s.has("exec-root")) {
            (false, true) => exec_root.join("lockgate.sock"),
            _ => places.socket.clone(),
        };
        let (log_level, colours) = (log_level(s)?, !s.flag("raw-logs", false));
        let beside_config = typed.file.parent().unwrap_or_else(|| Path::new("/"));
        Ok(Self {
            gate: gate(s, socket, &places.server_set)?,
            rootless,
            holder: None,
            authority: authority(s)?,
            bridge: bridge(s)?,
            guard: guard(s)?,
            policy: path(s, "policy", || beside_config.join("policy.toml")),
            audit: audit(s, &data_root)?,
            otlp: otlp(s)?,
            audit_to_otlp: s.list("audit-sinks").iter().any(|name| name == "otlp"),
            pidfile: path(s, "pidfile", || exec_root.join("lockgated.pid")),
            engine: remapped(s, engine(s, data_root.clone(), exec_root)?, &mut notes)?,
            data_root,
            log_level,
            colours,
            notes,
        })
    }
}

fn places(rootless: bool) -> Result<Places, ConfigError> {
    if rootless {
        Places::of_user(|name| std::env::var(name).ok())
    } else {
        Ok(Places::of_root())
    }
}

/// What an ordinary user's daemon cannot do.
fn check_rootless(s: &Settings) -> Result<(), ConfigError> {
    const IMPOSSIBLE: [(&str, &str, &str); 6] = [
        (
            "metrics-addr",
            "--metrics-addr",
            "it would be an address of the user's own network, which nobody else reaches",
        ),
        (
            "guard",
            "--guard",
            "guard mode runs no containers and needs no namespaces; start it without",
        ),
        (
            "group",
            "--group",
            "the socket is in the user's own runtime directory, which nobody else can enter",
        ),
        (
            "ca-listen",
            "--ca-listen",
            "serve the authority by `lockgate ca serve`, which needs no daemon",
        ),
        (
            "cgroup-parent",
            "--cgroup-parent",
            "the cgroup is the one that systemd delegates to the daemon's service",
        ),
        (
            "userns-remap",
            "--userns-remap",
            "containers' users are the user's own subordinate ids already",
        ),
    ];
    match IMPOSSIBLE.iter().find(|(key, ..)| s.has(key)) {
        Some((_, place, instead)) => Err(ConfigError::NotRootless { place, instead }),
        None => Ok(()),
    }
}

fn path(s: &Settings, key: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    s.text(key).map_or_else(default, PathBuf::from)
}

/// No file is so small that it would be full at once.
const SMALLEST_AUDIT: i64 = 64 * 1024;

fn audit(s: &Settings, data_root: &Path) -> Result<AuditConfig, ConfigError> {
    let file = path(s, "audit-log", || data_root.join("audit.log"));
    let mut config = AuditConfig::new(&file);
    if let Some(size) = s.number("audit-max-size") {
        let wanted = u64::try_from(size).ok().filter(|_| size >= SMALLEST_AUDIT);
        config.max_bytes = wanted
            .ok_or_else(|| s.bad("audit-max-size", &size.to_string(), "size of at least 64k"))?;
    }
    if s.has("audit-max-files") {
        config.max_files = number(s, "audit-max-files", 16)? as usize;
    }
    for name in s.list("audit-sinks") {
        let sink = match name.as_str() {
            "syslog" => Sink::syslog(),
            "journald" => Sink::journald(),
            // It is made with the rest of telemetry.
            "otlp" if s.has("otlp-endpoint") => continue,
            "otlp" => return Err(s.bad("audit-sinks", &name, "sink that has its --otlp-endpoint")),
            _ => {
                return Err(s.bad("audit-sinks", &name, "sink: syslog, journald or otlp"));
            }
        };
        let none = |_error| {
            s.bad(
                "audit-sinks",
                &name,
                "log service that a socket can be made for",
            )
        };
        config.sinks.push(sink.map_err(none)?);
    }
    Ok(config)
}

fn otlp(s: &Settings) -> Result<Option<Endpoint>, ConfigError> {
    let endpoint = s.text("otlp-endpoint").map(|text| text.parse());
    Ok(endpoint.transpose()?)
}

fn guard(s: &Settings) -> Result<Option<GuardChoice>, ConfigError> {
    let Some(upstream) = s.text("guard") else {
        return Ok(None);
    };
    Ok(Some(GuardChoice {
        upstream: Upstream::parse(
            &upstream,
            guard_tls(s)?,
            s.flag("guard-insecure-loopback", false),
            Arc::new(|host| Box::pin(resolved(host))),
        )?,
        patches: Patches::without(&s.list("guard-without"))?,
    }))
}

fn guard_tls(s: &Settings) -> Result<Option<UpstreamTls>, ConfigError> {
    let path = |key: &str| s.text(key).map(PathBuf::from);
    let own = match (path("guard-tlscert"), path("guard-tlskey")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(UpstreamError::Half.into()),
    };
    let crl = path("guard-tls-crl");
    Ok(match path("guard-tlscacert") {
        Some(ca) => Some(UpstreamTls { ca, own, crl }),
        None if own.is_some() || crl.is_some() => return Err(UpstreamError::NoAuthority.into()),
        None => None,
    })
}

async fn resolved(host: String) -> std::io::Result<Vec<std::net::IpAddr>> {
    lockgate_enroll::lookup(&host)
        .await
        .map_err(std::io::Error::other)
}

fn log_level(s: &Settings) -> Result<tracing::Level, ConfigError> {
    if s.flag("debug", false) {
        return Ok(tracing::Level::DEBUG);
    }
    match s
        .text("log-level")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "info" => Ok(tracing::Level::INFO),
        "trace" => Ok(tracing::Level::TRACE),
        "debug" => Ok(tracing::Level::DEBUG),
        "warn" | "warning" => Ok(tracing::Level::WARN),
        "error" | "fatal" | "panic" => Ok(tracing::Level::ERROR),
        other => Err(s.bad("log-level", other, "debug, info, warn, error or fatal")),
    }
}

fn gate(s: &Settings, socket: PathBuf, server_set: &Path) -> Result<GateConfig, ConfigError> {
    let mut hosts = Vec::new();
    for text in s.list("hosts") {
        hosts.push(text.parse().map_err(|source| ConfigError::Host {
            place: "`hosts`".to_owned(),
            source,
        })?);
    }
    if hosts.is_empty() {
        hosts.push(Host::Unix(socket));
    }
    let insecure_loopback = s.flag("insecure-tcp-loopback-only", false);
    let tls = tls(s, server_set)?;
    if insecure_loopback && tls.is_some() {
        return Err(ConfigError::InsecureWithTls);
    }
    let seconds = number(s, "shutdown-timeout", 15)?;
    Ok(GateConfig {
        hosts,
        opened: Vec::new(),
        tls,
        insecure_loopback,
        group: s.text("group").map_or_else(
            || SocketGroup::IfExists("docker".to_owned()),
            SocketGroup::Named,
        ),
        limits: Limits {
            drain: Duration::from_secs(seconds.into()),
            ..Limits::default()
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: metrics(s)?,
        tracer: None,
    })
}

/// `IP:PORT`, `localhost:PORT`, `:PORT`; names are not looked up.
fn metrics(s: &Settings) -> Result<Option<std::net::SocketAddr>, ConfigError> {
    let Some(text) = s.text("metrics-addr") else {
        return Ok(None);
    };
    let address = match text.rsplit_once(':') {
        Some(("", port)) => format!("0.0.0.0:{port}"),
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        _ => text.clone(),
    };
    let address = address.parse();
    let bad = |_error| {
        s.bad(
            "metrics-addr",
            &text,
            "address with a port, such as 127.0.0.1:9323",
        )
    };
    address.map(Some).map_err(bad)
}

fn tls(s: &Settings, server_set: &Path) -> Result<Option<TlsFiles>, ConfigError> {
    if !s.flag("tlsverify", false) {
        if s.flag("tls", false) {
            return Err(ConfigError::TlsWithoutVerify);
        }
        return Ok(None);
    }
    let tls12 = match s.text("tls-min-version").as_deref() {
        None | Some("1.3") => false,
        Some("1.2") => true,
        Some(other) => return Err(s.bad("tls-min-version", other, "TLS version: 1.3 or 1.2")),
    };
    let file = |key, name| path(s, key, || server_set.join(name));
    Ok(Some(TlsFiles {
        ca: file("tlscacert", "ca.pem"),
        certificate: file("tlscert", "cert.pem"),
        key: file("tlskey", "key.pem"),
        crl: s.text("tls-crl").map(PathBuf::from).or_else(|| {
            let directory = s.text("ca-dir").map(PathBuf::from);
            directory.map(|directory| directory.join("crl.pem"))
        }),
        crl_grace: Duration::from_secs(u64::from(number(s, "tls-crl-grace", 72)?) * 3600),
        warn_before: days(s, "tls-warn-days", 14)?,
        tls12,
    }))
}

fn days(s: &Settings, key: &'static str, default: u32) -> Result<Duration, ConfigError> {
    Ok(Duration::from_secs(
        u64::from(number(s, key, default)?) * 86_400,
    ))
}

/// Whoever ended longer ago cannot be revoked any more, so nobody may renew then.
fn grace(s: &Settings) -> Result<Duration, ConfigError> {
    let grace = days(s, "ca-grace", 7)?;
    let longest = lockgate_pki::GRACE_DAYS_MAX;
    if grace > Duration::from_secs(u64::from(longest) * 86_400) {
        let given = (grace.as_secs() / 86_400).to_string();
        return Err(s.bad("ca-grace", &given, "number of days up to 366"));
    }
    Ok(grace)
}

fn authority(s: &Settings) -> Result<AuthorityConfig, ConfigError> {
    let config = AuthorityConfig {
        server: s.text("ca-server"),
        poll: number(s, "ca-poll", 15)?.clamp(1, 60),
        directory: s.text("ca-dir").map(PathBuf::from),
        listen: parsed(s, "ca-listen", "address with a port, such as 0.0.0.0:2378")?,
        advertise: s.text("ca-advertise"),
        passphrase_file: s.text("ca-passphrase-file").map(PathBuf::from),
        grace: grace(s)?,
    };
    if config.listen.is_some() && config.directory.is_none() {
        return Err(ConfigError::NoAuthority);
    }
    if config.server.is_some() && s.text("tls-crl").is_none() {
        return Err(ConfigError::NoList);
    }
    Ok(config)
}

fn bridge(s: &Settings) -> Result<Option<BridgeChoice>, ConfigError> {
    let name = s.text("bridge").unwrap_or_else(|| "lockgate0".to_owned());
    if name == "none" {
        return Ok(None);
    }
    let mtu = match number(s, "mtu", 1500)? {
        0 => 1500,
        mtu => mtu,
    };
    Ok(Some(BridgeChoice {
        name,
        address: parsed(s, "bip", "address with a prefix, such as 172.17.0.1/16")?,
        mtu,
        icc: s.flag("icc", true),
        ip_masq: s.flag("ip-masq", true),
        default_host_ip: parsed(s, "ip", "IPv4 address")?.unwrap_or(Ipv4Addr::UNSPECIFIED),
        table: s.text("nft-table").unwrap_or_else(|| "lockgate".to_owned()),
    }))
}

fn engine(
    s: &Settings,
    data_root: PathBuf,
    exec_root: PathBuf,
) -> Result<EngineConfig, ConfigError> {
    let shim = path(s, "shim-path", default_shim);
    // A guard runs no containers.
    if s.text("guard").is_none() && !shim.is_file() {
        return Err(ConfigError::NoShim(shim));
    }
    let mut config = EngineConfig::new(data_root, exec_root, shim);
    config.init_path = s.text("init-path").map(PathBuf::from);
    config.runtimes = runtimes(s);
    if let Some(runtime) = s.text("default-runtime") {
        config.default_runtime = runtime;
    }
    if let Some(parent) = s.text("cgroup-parent") {
        config.cgroup_parent = parent;
    }
    config.log = LogDefaults {
        driver: s
            .text("log-driver")
            .unwrap_or_else(|| LogDefaults::default().driver),
        options: s.map("log-opts"),
    };
    config.default_ulimits = ulimits(s)?;
    if let Some(size) = s.number("default-shm-size") {
        config.default_shm_size = size;
    }
    config.dns = addresses(s, "dns")?;
    let cdi_spec_dirs = s.list("cdi-spec-dirs");
    if !cdi_spec_dirs.is_empty() {
        config.cdi_spec_dirs = cdi_spec_dirs.into_iter().map(PathBuf::from).collect();
    }
    config.dns_options = s.list("dns-opts");
    config.dns_search = s.list("dns-search");
    config.shutdown_timeout = number(s, "shutdown-timeout", 15)?;
    config.labels = labels(s)?;
    config.debug = s.flag("debug", false);
    Ok(config)
}

/// Containers whose users are others on this host have a data root of their own, as in dockerd.
fn remapped(
    s: &Settings,
    mut config: EngineConfig,
    notes: &mut Vec<String>,
) -> Result<EngineConfig, ConfigError> {
    let Some(wanted) = s.text("userns-remap").filter(|text| !text.is_empty()) else {
        return Ok(config);
    };
    match remap::resolve(&wanted)? {
        Some(ids) => {
            let (uid, gid) = ids.root();
            config.data_root.push(format!("{uid}.{gid}"));
            config.ids = ids;
        }
        None => notes.push(
            "`userns-remap`: root cannot be remapped with itself; user namespaces are off"
                .to_owned(),
        ),
    }
    Ok(config)
}

/// Beside this executable, else where packages put it.
fn default_shim() -> PathBuf {
    const NAME: &str = "lockgate-shim";
    let beside = std::env::current_exe()
        .ok()
        .and_then(|me| Some(me.parent()?.join(NAME)));
    let packaged = Path::new("/usr/libexec/lockgate").join(NAME);
    beside.filter(|path| path.exists()).unwrap_or(packaged)
}

fn runtimes(s: &Settings) -> BTreeMap<String, RuntimeSpec> {
    let mut runtimes = BTreeMap::new();
    for (name, value) in s.object("runtimes") {
        let text = |key: &str| value.get(key).and_then(|value| value.as_str());
        let args = value
            .get("runtimeArgs")
            .and_then(|args| args.as_array())
            .cloned();
        let args = args.unwrap_or_default();
        runtimes.insert(
            name.clone(),
            RuntimeSpec {
                path: PathBuf::from(text("path").unwrap_or(&name)),
                args: args
                    .iter()
                    .filter_map(|arg| arg.as_str())
                    .map(str::to_owned)
                    .collect(),
            },
        );
    }
    for (name, path) in s.map("add-runtime") {
        runtimes.insert(
            name,
            RuntimeSpec {
                path: PathBuf::from(path),
                args: Vec::new(),
            },
        );
    }
    runtimes
}

fn ulimits(s: &Settings) -> Result<BTreeMap<String, Ulimit>, ConfigError> {
    let mut ulimits = BTreeMap::new();
    for (name, value) in s.object("default-ulimits") {
        let number = |key: &str| {
            let found = value
                .get(key)
                .or_else(|| value.get(key.to_ascii_lowercase()));
            found.and_then(serde_json::Value::as_i64)
        };
        let (Some(soft), Some(hard)) = (number("Soft"), number("Hard")) else {
            return Err(s.bad(
                "default-ulimits",
                &value.to_string(),
                "object with Name, Soft and Hard",
            ));
        };
        ulimits.insert(name.clone(), Ulimit { name, hard, soft });
    }
    for text in s.list("default-ulimit") {
        let limit = ulimit(&text);
        let limit = limit.ok_or_else(|| s.bad("default-ulimit", &text, "NAME=SOFT[:HARD]"))?;
        ulimits.insert(limit.name.clone(), limit);
    }
    Ok(ulimits)
}

fn ulimit(text: &str) -> Option<Ulimit> {
    let (name, limits) = text.split_once('=')?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (soft.parse::<i64>().ok()?, hard.parse::<i64>().ok()?);
    let ordered = hard == -1 || (soft <= hard && soft != -1);
    (ordered && !name.is_empty()).then(|| Ulimit {
        name: name.to_owned(),
        hard,
        soft,
    })
}

fn labels(s: &Settings) -> Result<Vec<String>, ConfigError> {
    let labels = s.list("labels");
    match labels.iter().find(|label| !label.contains('=')) {
        Some(bad) => Err(s.bad("labels", bad, "KEY=VALUE")),
        None => Ok(labels),
    }
}

fn addresses(s: &Settings, key: &'static str) -> Result<Vec<String>, ConfigError> {
    let list = s.list(key);
    match list
        .iter()
        .find(|text| text.parse::<std::net::IpAddr>().is_err())
    {
        Some(bad) => Err(s.bad(key, bad, "IP address")),
        None => Ok(list),
    }
}

fn number(s: &Settings, key: &'static str, default: u32) -> Result<u32, ConfigError> {
    let Some(number) = s.number(key) else {
        return Ok(default);
    };
    u32::try_from(number).map_err(|_range| s.bad(key, &number.to_string(), "number from 0 up"))
}

fn parsed<T: FromStr>(
    s: &Settings,
    key: &'static str,
    expected: &'static str,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = s.text(key) else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_syntax| s.bad(key, &text, expected))
}
