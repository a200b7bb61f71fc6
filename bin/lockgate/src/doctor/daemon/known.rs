//! The settings that daemons know: what a flag is called in the file, and every key.

/// Flags whose key in `daemon.json` has another name.
const RENAMED: [(&str, &str); 14] = [
    ("H", "hosts"),
    ("host", "hosts"),
    ("G", "group"),
    ("p", "pidfile"),
    ("label", "labels"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("log-opt", "log-opts"),
    ("storage-opt", "storage-opts"),
    ("default-ulimit", "default-ulimits"),
    ("add-runtime", "runtimes"),
    ("registry-mirror", "registry-mirrors"),
    ("insecure-registry", "insecure-registries"),
    ("authorization-plugin", "authorization-plugins"),
];

/// Flags that stand alone: `--tls`, `--tls=false`.
const SWITCHES: [&str; 20] = [
    "D",
    "debug",
    "experimental",
    "icc",
    "init",
    "insecure-tcp-loopback-only",
    "ip-forward",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "live-restore",
    "no-new-privileges",
    "raw-logs",
    "rootless",
    "selinux-enabled",
    "tls",
    "tlsverify",
    "userland-proxy",
    "validate",
];

/// The key of a flag.
pub(crate) fn key_of(flag: &str) -> &str {
    let renamed = RENAMED.iter().find(|(name, _)| *name == flag);
    renamed.map_or(flag, |(_, key)| key)
}

/// Whether the flag takes no further word.
pub(crate) fn is_switch(flag: &str) -> bool {
    SWITCHES.contains(&flag)
}

/// Whether one of both daemons reads this key.
pub(crate) fn is_key(key: &str, lockgated: bool) -> bool {
    KEYS.contains(&key) || (lockgated && OURS.contains(&key))
}

/// The known key that is nearest to a wrong one: the name of the flag, or one with the same letters.
pub(crate) fn suggestion(key: &str) -> Option<&'static str> {
    let squeeze = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
    let wrong = squeeze(key);
    let named = RENAMED.iter().find(|(flag, _)| *flag == key);
    named.map(|(_, key)| *key).or_else(|| {
        let near = |known: &&&str| {
            let known = squeeze(known);
            known == wrong || known == format!("{wrong}s") || format!("{known}s") == wrong
        };
        KEYS.iter().find(near).copied()
    })
}

/// What `lockgated` reads beside dockerd's keys.
const OURS: [&str; 29] = [
    "audit-log",
    "audit-max-files",
    "audit-max-size",
    "audit-sinks",
    "ca-advertise",
    "ca-dir",
    "ca-grace",
    "ca-listen",
    "ca-passphrase-file",
    "ca-poll",
    "ca-server",
    "guard",
    "guard-insecure-loopback",
    "guard-tls-crl",
    "guard-tlscacert",
    "guard-tlscert",
    "guard-tlskey",
    "guard-without",
    "insecure-tcp-loopback-only",
    "metrics-addr",
    "nft-table",
    "otlp-endpoint",
    "pidfile",
    "policy",
    "shim-path",
    "tls-crl",
    "tls-crl-grace",
    "tls-min-version",
    "tls-warn-days",
];

/// The keys of dockerd 20.10 to 29, asked of its `--validate`.
const KEYS: [&str; 95] = [
    "allow-direct-routing",
    "allow-nondistributable-artifacts",
    "api-cors-header",
    "authorization-plugins",
    "bip",
    "bip6",
    "bridge",
    "bridge-accept-fwmark",
    "builder",
    "cdi-spec-dirs",
    "cgroup-parent",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "config-file",
    "containerd",
    "containerd-namespace",
    "containerd-plugins-namespace",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cri-containerd",
    "data-root",
    "debug",
    "default-address-pools",
    "default-cgroupns-mode",
    "default-gateway",
    "default-gateway-v6",
    "default-ipc-mode",
    "default-network-opts",
    "default-runtime",
    "default-shm-size",
    "default-ulimits",
    "dns",
    "dns-opts",
    "dns-search",
    "exec-opts",
    "exec-root",
    "experimental",
    "features",
    "firewall-backend",
    "fixed-cidr",
    "fixed-cidr-v6",
    "group",
    "host-gateway-ip",
    "host-gateway-ips",
    "hosts",
    "http-proxy",
    "https-proxy",
    "icc",
    "init",
    "init-path",
    "insecure-registries",
    "ip",
    "ip-forward",
    "ip-forward-no-drop",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "labels",
    "live-restore",
    "log-driver",
    "log-format",
    "log-level",
    "log-opts",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "metrics-addr",
    "mtu",
    "network-control-plane-mtu",
    "no-new-privileges",
    "no-proxy",
    "node-generic-resources",
    "oom-score-adjust",
    "pidfile",
    "proxies",
    "raw-logs",
    "registry-mirrors",
    "rootless",
    "runtimes",
    "seccomp-profile",
    "selinux-enabled",
    "shutdown-timeout",
    "storage-driver",
    "storage-opts",
    "swarm-default-advertise-addr",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
    "userland-proxy",
    "userland-proxy-path",
    "userns-remap",
];
