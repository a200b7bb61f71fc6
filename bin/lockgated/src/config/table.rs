//! Every setting there is: one line each, for the flag, the key in `daemon.json` and the help.
//!
//! Names and kinds are those of the stock daemon. Its settings that mean nothing here are accepted
//! and said to; the ones whose absence would make a host less safe than its file says are refused.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The flag, without dashes.
    pub(crate) flag: &'static str,
    pub(crate) short: Option<char>,
    /// The key in `daemon.json`.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) role: Role,
    pub(crate) help: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`; the flag alone means `true`.
    Bool,
    Number,
    Text,
    /// A size such as `64m`; a number in the file is one of bytes.
    Size,
    /// The flag may be repeated.
    List,
    /// `KEY=VALUE`, repeated; an object in the file.
    Map,
    /// An object of objects in the file.
    Objects,
    /// Any JSON; there is no flag of such a kind that means something here.
    Any,
}

/// What a setting does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Used,
    /// Accepted; the text says why it changes nothing.
    Moot(&'static str),
    /// Refused unless false or empty; the text says what to do instead.
    Refused(&'static str),
}

const NO_REGISTRY: &str = "images are loaded and imported, not pulled, by this version";
const OWN_RUNTIME: &str = "there is no containerd here";
const OWN_RULES: &str = "the rules are in an nftables table of their own";
const ONE_NETWORK: &str = "there is one network here, the bridge";
const NO_SWARM: &str = "there is no swarm mode";
const NOT_YET: &str = "this version has nothing like it";

const fn row(
    flag: &'static str,
    key: &'static str,
    kind: Kind,
    role: Role,
    help: &'static str,
) -> Setting {
    Setting {
        flag,
        short: None,
        key,
        kind,
        role,
        help,
    }
}

const fn used(flag: &'static str, kind: Kind, help: &'static str) -> Setting {
    row(flag, flag, kind, Role::Used, help)
}

const fn moot(flag: &'static str, kind: Kind, why: &'static str) -> Setting {
    row(
        flag,
        flag,
        kind,
        Role::Moot(why),
        "Accepted, without effect",
    )
}

const fn refused(flag: &'static str, kind: Kind, why: &'static str) -> Setting {
    row(flag, flag, kind, Role::Refused(why), "Refused")
}

impl Setting {
    const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    const fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }
}

use Kind::{Any, Bool, List, Map, Number, Objects, Size, Text};

/// The table.
#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    // the door
    used("host", List, "Address to listen on: unix:///PATH, tcp://ADDRESS:PORT, fd:// (repeatable)").short('H').key("hosts"),
    used("group", Text, "Group of the unix sockets [default: docker, if it exists]").short('G'),
    used("tls", Bool, "Use TLS; needs --tlsverify as well"),
    used("tlsverify", Bool, "Use TLS and let in clients with a certificate of our CA"),
    used("tlscacert", Text, "The CA of client certificates [default: /etc/lockgate/pki/server/ca.pem]"),
    used("tlscert", Text, "The server's certificate [default: /etc/lockgate/pki/server/cert.pem]"),
    used("tlskey", Text, "The server's key [default: /etc/lockgate/pki/server/key.pem]"),
    used("tls-crl", Text, "Revocation lists in PEM form [default: those of --ca-dir]"),
    used("tls-crl-grace", Number, "Hours after its end that a revocation list is still used; then nobody is let in [default: 72]"),
    used("tls-warn-days", Number, "Days before its end that a certificate is told of, in the log and in answers [default: 14]"),
    used("ca-server", Text, "HOST:PORT of our authority: revocations and roots come from it, and our own certificate is renewed there"),
    used("ca-poll", Number, "Seconds between questions to the authority; a change comes at once [default: 15]"),
    used("ca-dir", Text, "Directory of an authority on this host: its revocations are obeyed, and our own certificate is renewed there"),
    used("ca-listen", Text, "IP:PORT where the authority in --ca-dir lets others join and renew [default: nowhere]"),
    used("ca-advertise", Text, "HOST:PORT that tokens tell applicants to dial"),
    used("ca-passphrase-file", Text, "File with the passphrase of the authority's key, for --ca-listen and for renewing with --ca-dir"),
    used("ca-grace", Number, "Days after its end that a certificate can still be renewed in --ca-dir [default: 7]"),
    used("tls-min-version", Text, "Oldest TLS version: 1.3 or 1.2 [default: 1.3]"),
    used("policy", Text, "Who may do what [default: policy.toml beside the configuration file]"),
    used("audit-log", Text, "The record of every decision [default: audit.log in the data root]"),
    used("audit-max-size", Size, "Size at which another audit file is begun [default: 64m]"),
    used("audit-max-files", Number, "Full audit files that are kept [default: 16]"),
    used("audit-sink", List, "Who else gets each audit line: syslog, journald, otlp (repeatable)").key("audit-sinks"),
    used("otlp-endpoint", Text, "http://HOST:PORT of an OpenTelemetry collector: it gets the spans of requests, and with --audit-sink otlp the audit lines"),
    used("metrics-addr", Text, "IP:PORT where Prometheus is given metrics, without TLS [default: nowhere; /metrics on the unix sockets]"),
    used("insecure-tcp-loopback-only", Bool, "FOR TESTS: plain tcp:// without any proof of identity, on 127.0.0.1 and ::1 only"),
    used("guard", Text, "Stand before another daemon instead of running containers: unix:///PATH or tcp://HOST:PORT"),
    used("guard-tlscacert", Text, "Who signed the certificate of the daemon at tcp://, in PEM form"),
    used("guard-tlscert", Text, "Our certificate for that daemon"),
    used("guard-tlskey", Text, "Its key"),
    used("guard-tls-crl", Text, "Lists of revoked certificates (PEM) of those who signed that daemon's"),
    used("guard-insecure-loopback", Bool, "FOR TESTS: plain tcp:// to a daemon on a loopback address"),
    used("guard-without", List, "CVE id of a virtual patch that guard mode shall not apply (repeatable)"),
    refused("api-cors-header", Text, "web pages are never let in; use a client"),
    refused("authorization-plugin", List, "roles are in the policy file, see --policy").key("authorization-plugins"),
    // the process
    used("data-root", Text, "Durable state [default: /var/lib/lockgate]"),
    used("exec-root", Text, "State of running containers [default: /run/lockgate]"),
    used("pidfile", Text, "File with our process id [default: lockgated.pid in the exec root]").short('p'),
    used("debug", Bool, "Log at level debug").short('D'),
    used("log-level", Text, "debug, info, warn, error or fatal [default: info]").short('l'),
    moot("log-format", Text, "it is text"),
    used("raw-logs", Bool, "No colours in the log"),
    used("label", List, "KEY=VALUE, shown by `docker info` (repeatable)").key("labels"),
    used("shutdown-timeout", Number, "Seconds for requests to finish at shutdown [default: 15]"),
    used("shim-path", Text, "The lockgate-shim executable [default: beside this one]"),
    moot("experimental", Bool, NOT_YET),
    moot("oom-score-adjust", Number, "the service manager sets it"),
    used("rootless", Bool, "Run as an ordinary user, in namespaces of one's own"),
    // containers
    used("add-runtime", Map, "NAME=PATH of another OCI runtime (repeatable)"),
    used("default-runtime", Text, "Runtime of containers that name none [default: lockgate]"),
    used("cgroup-parent", Text, "Parent of all containers' cgroups [default: /lockgate]"),
    used("default-ulimit", List, "NAME=SOFT[:HARD] (repeatable)"),
    used("default-shm-size", Size, "Size of /dev/shm [default: 64m]"),
    used("init-path", Text, "A small init for `docker run --init`"),
    used("log-driver", Text, "json-file, local, syslog, journald, fluentd, gelf or none [default: json-file]"),
    used("log-opt", Map, "KEY=VALUE for the log driver (repeatable)").key("log-opts"),
    used("dns", List, "Name server for containers (repeatable)"),
    used("dns-opt", List, "Resolver option for containers (repeatable)").key("dns-opts"),
    used("dns-search", List, "Search domain for containers (repeatable)"),
    used("cdi-spec-dir", List, "Where device files of the Container Device Interface are (repeatable) [default: /etc/cdi, /var/run/cdi]").key("cdi-spec-dirs"),
    used("live-restore", Bool, "Always so: containers outlive the daemon"),
    refused("init", Bool, "ask for it per container, with `docker run --init`"),
    refused("no-new-privileges", Bool, "ask for it per container, with --security-opt no-new-privileges"),
    refused("seccomp-profile", Text, "name it per container, with --security-opt seccomp=FILE"),
    refused("selinux-enabled", Bool, NOT_YET),
    used("userns-remap", Text, "Whose subordinate ids containers run as: default, USER[:GROUP] or UID[:GID] [default: the host's own]"),
    moot("exec-opt", List, "cgroups are used directly").key("exec-opts"),
    moot("default-cgroupns-mode", Text, "ask for it per container"),
    moot("default-ipc-mode", Text, "ask for it per container"),
    moot("cpu-rt-period", Number, NOT_YET),
    moot("cpu-rt-runtime", Number, NOT_YET),
    moot("node-generic-resource", List, NO_SWARM).key("node-generic-resources"),
    // the network
    used("bridge", Text, "Name of the bridge, or `none` for no network [default: lockgate0]").short('b'),
    used("bip", Text, "Address and prefix of the bridge, such as 172.17.0.1/16 [default: a free one]"),
    used("mtu", Number, "MTU of containers' links [default: 1500]"),
    used("icc", Bool, "Let containers talk to each other [default: true]"),
    used("ip", Text, "Address of published ports that name none [default: 0.0.0.0]"),
    used("ip-masq", Bool, "Give what leaves the host its address [default: true]"),
    used("nft-table", Text, "The nftables table [default: lockgate]"),
    moot("iptables", Bool, OWN_RULES),
    moot("ip6tables", Bool, OWN_RULES),
    moot("firewall-backend", Text, OWN_RULES),
    moot("ip-forward", Bool, "forwarding is switched on when the bridge is made"),
    moot("ip-forward-no-drop", Bool, OWN_RULES),
    moot("userland-proxy", Bool, OWN_RULES),
    moot("userland-proxy-path", Text, OWN_RULES),
    moot("default-address-pool", List, ONE_NETWORK).key("default-address-pools"),
    moot("default-network-opt", List, ONE_NETWORK).key("default-network-opts"),
    moot("host-gateway-ip", Text, "it is the bridge's address"),
    refused("ipv6", Bool, NOT_YET),
    refused("fixed-cidr", Text, "set --bip"),
    refused("fixed-cidr-v6", Text, NOT_YET),
    refused("default-gateway", Text, "it is the bridge's address, see --bip"),
    refused("default-gateway-v6", Text, NOT_YET),
    moot("network-control-plane-mtu", Number, NO_SWARM),
    moot("swarm-default-advertise-addr", Text, NO_SWARM),
    // images
    moot("storage-driver", Text, "it is overlay").short('s'),
    moot("storage-opt", List, "it is overlay").key("storage-opts"),
    moot("registry-mirror", List, NO_REGISTRY).key("registry-mirrors"),
    moot("insecure-registry", List, NO_REGISTRY).key("insecure-registries"),
    moot("allow-nondistributable-artifacts", List, NO_REGISTRY),
    moot("max-concurrent-downloads", Number, NO_REGISTRY),
    moot("max-concurrent-uploads", Number, NO_REGISTRY),
    moot("max-download-attempts", Number, NO_REGISTRY),
    moot("http-proxy", Text, NO_REGISTRY),
    moot("https-proxy", Text, NO_REGISTRY),
    moot("no-proxy", Text, NO_REGISTRY),
    moot("containerd", Text, OWN_RUNTIME),
    moot("containerd-namespace", Text, OWN_RUNTIME),
    moot("containerd-plugins-namespace", Text, OWN_RUNTIME),
    moot("cri-containerd", Bool, OWN_RUNTIME),
    // keys that have another form in the file than on the command line
    row("", "runtimes", Objects, Role::Used, ""),
    row("", "default-ulimits", Objects, Role::Used, ""),
    row("", "features", Any, Role::Moot(NOT_YET), ""),
    row("", "builder", Any, Role::Moot(NOT_YET), ""),
    row("", "proxies", Any, Role::Moot(NO_REGISTRY), ""),
];

/// Keys of other times, and what they are called now.
pub(crate) const RENAMED: &[(&str, &str)] = &[
    ("graph", "data-root"),
    ("cluster-store", "hosts"),
    ("host", "hosts"),
    ("log-opt", "log-opts"),
    ("label", "labels"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("default-ulimit", "default-ulimits"),
    ("add-runtime", "runtimes"),
    ("registry-mirror", "registry-mirrors"),
    ("insecure-registry", "insecure-registries"),
    ("storage-opt", "storage-opts"),
    ("authorization-plugin", "authorization-plugins"),
    ("default-address-pool", "default-address-pools"),
];

/// The setting of a key in the file.
pub(crate) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| setting.key == key && !is_flag_only(setting))
}

/// `default-ulimit` and `add-runtime` have keys with another name and form.
fn is_flag_only(setting: &Setting) -> bool {
    matches!(setting.flag, "default-ulimit" | "add-runtime")
}
