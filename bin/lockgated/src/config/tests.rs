use std::path::Path;

use lockgate_gate::Host;

use super::*;

/// Loads flags over a file with this text.
fn load(text: &str, flags: &[&str]) -> Result<Config, String> {
    load_with("/bin/sh", text, flags)
}

/// The same, with this in place of the supervisor.
fn load_with(shim: &str, text: &str, flags: &[&str]) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("daemon.json");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let fixed = ["lockgated", "--config-file", &file, "--shim-path", shim];
    let matches = command().try_get_matches_from(fixed.iter().chain(flags));
    let matches = matches.map_err(|error| error.to_string())?;
    Config::load(&Typed::new(matches)).map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}

fn hosts(config: &Config) -> Vec<String> {
    config.gate.hosts.iter().map(Host::to_string).collect()
}

#[test]
fn a_guard_needs_no_supervisor_of_containers() {
    let refused = load_with("/nowhere", "", &[]).unwrap_err();
    assert!(refused.contains("/nowhere") && refused.contains("--shim-path"));
    load_with("/nowhere", "", &["--guard=unix:///run/x.sock"]).unwrap();
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = load("", &[]).unwrap();
    assert_eq!(hosts(&config), ["unix:///run/lockgate/lockgate.sock"]);
    assert!(config.gate.tls.is_none() && config.notes.is_empty());
    assert_eq!(config.engine.data_root, Path::new("/var/lib/lockgate"));
    assert_eq!(config.audit.path, Path::new("/var/lib/lockgate/audit.log"));
    assert_eq!(config.pidfile, Path::new("/run/lockgate/lockgated.pid"));
    assert_eq!(config.bridge.unwrap().name, "lockgate0");
    assert_eq!(config.log_level, tracing::Level::INFO);
}

#[test]
fn a_stock_file_works_as_it_is() {
    let config = load(
        r#"{
            "hosts": ["unix:///run/d.sock", "tcp://0.0.0.0:2376"],
            "tls": true, "tlsverify": true,
            "tlscacert": "/p/ca.pem", "tlscert": "/p/cert.pem", "tlskey": "/p/key.pem",
            "log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"},
            "storage-driver": "overlay2", "live-restore": true, "userland-proxy": false,
            "exec-opts": ["native.cgroupdriver=systemd"], "dns": ["10.0.0.1"],
            "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 64000, "Soft": 1024}},
            "default-address-pools": [{"base": "10.1.0.0/16", "size": 24}],
            "runtimes": {"crun": {"path": "/usr/bin/crun", "runtimeArgs": ["--debug"]}},
            "default-shm-size": "128M", "bip": "172.30.0.1/24", "mtu": 1400, "icc": false,
            "registry-mirrors": [], "features": {"containerd-snapshotter": true}, "ipv6": false,
            "labels": ["zone=a"], "debug": true, "shutdown-timeout": 5, "group": "1234"
        }"#,
        &[],
    )
    .unwrap();
    let tls = config.gate.tls.as_ref().unwrap();
    assert_eq!(
        (tls.ca.as_path(), tls.tls12),
        (Path::new("/p/ca.pem"), false)
    );
    assert_eq!(config.engine.log.options["max-size"], "10m");
    let limit = &config.engine.default_ulimits["nofile"];
    assert_eq!((limit.soft, limit.hard), (1024, 64_000));
    assert_eq!(config.engine.runtimes["crun"].args, ["--debug"]);
    assert_eq!(config.engine.default_shm_size, 128 << 20);
    let bridge = config.bridge.as_ref().unwrap();
    assert_eq!(bridge.address.unwrap().to_string(), "172.30.0.1/24");
    assert_eq!((bridge.mtu, bridge.icc), (1400, false));
    assert_eq!(config.log_level, tracing::Level::DEBUG);
    assert_eq!(config.gate.limits.drain.as_secs(), 5);
    assert!(
        config
            .notes
            .iter()
            .any(|note| note.contains("`storage-driver`")),
        "{:?}",
        config.notes
    );
}

#[test]
fn the_flag_wins_over_the_file_and_that_is_told() {
    let config = load(
        r#"{"hosts": ["unix:///run/file.sock"], "data-root": "/file", "debug": true}"#,
        &[
            "-H",
            "unix:///run/a.sock",
            "--host=tcp://127.0.0.1:1",
            "--debug=false",
            "--data-root",
            "/flag",
        ],
    )
    .unwrap();
    assert_eq!(hosts(&config), ["unix:///run/a.sock", "tcp://127.0.0.1:1"]);
    assert_eq!(config.engine.data_root, Path::new("/flag"));
    assert_eq!(config.log_level, tracing::Level::INFO);
    for key in ["hosts", "data-root", "debug"] {
        let told =
            |note: &String| note.contains(&format!("`{key}`")) && note.contains("the flag wins");
        assert!(config.notes.iter().any(told), "{key}: {:?}", config.notes);
    }
}

#[test]
fn unknown_keys_are_refused_by_name_with_a_suggestion() {
    for (text, expected) in [
        (
            r#"{"storage-drivers": "x"}"#,
            "unknown key `storage-drivers`; did you mean `storage-driver`?",
        ),
        (
            r#"{"tls_verify": true}"#,
            "unknown key `tls_verify`; did you mean `tlsverify`?",
        ),
        (r#"{"graph": "/x"}"#, "did you mean `data-root`?"),
        (r#"{"host": ["x"]}"#, "did you mean `hosts`?"),
        (r#"{"label": ["a=b"]}"#, "did you mean `labels`?"),
        (r#"{"completely-else": 1}"#, "unknown key `completely-else`"),
        (r#"{"": 1}"#, "unknown key ``"),
    ] {
        let error = load(text, &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn wrong_values_name_their_place() {
    for (text, flags, expected) in [
        (r#"{"tlsverify": "yes"}"#, &[][..], "`tlsverify` in "),
        (r#"{"hosts": "unix:///x"}"#, &[], "`hosts` in "),
        (r#"{"mtu": "big"}"#, &[], "`mtu` in "),
        (r#"{"mtu": -1}"#, &[], "`mtu` in "),
        (r#"{"log-opts": {"max-file": 3}}"#, &[], "`log-opts` in "),
        (r#"{"bip": "10.0.0.1"}"#, &[], "`bip` in "),
        (r#"{"dns": ["x"]}"#, &[], "`dns` in "),
        (r#"{"labels": ["x"]}"#, &[], "`labels` in "),
        ("[]", &[], "is no JSON object"),
        ("{", &[], "is no JSON object"),
        ("", &["--tlsverify=maybe"], "--tlsverify: `maybe`"),
        ("", &["--mtu", "big"], "--mtu: `big`"),
        ("", &["--log-opt", "max-size"], "--log-opt: `max-size`"),
        (
            "",
            &["--default-ulimit", "nofile=9:1"],
            "--default-ulimit: `nofile=9:1`",
        ),
        ("", &["-l", "loud"], "--log-level: `loud`"),
        ("", &["-H", "tcp://example:1"], "no IP address"),
        ("", &["--nonsense"], "unexpected argument"),
        ("", &["surplus"], "unexpected argument"),
    ] {
        let error = load(text, flags).unwrap_err();
        assert!(error.contains(expected), "{text} {flags:?}: {error}");
    }
}

#[test]
fn what_would_be_less_safe_than_it_says_is_refused() {
    for (text, expected) in [
        (r#"{"api-cors-header": "*"}"#, "web pages"),
        (r#"{"authorization-plugins": ["x"]}"#, "--policy"),
        (r#"{"userns-remap": "nobody-of-that-name"}"#, "userns-remap"),
        (r#"{"no-new-privileges": true}"#, "security-opt"),
        (r#"{"seccomp-profile": "/x"}"#, "security-opt"),
        (r#"{"tls": true}"#, "set `tlsverify`"),
        (
            r#"{"tlsverify": true, "insecure-tcp-loopback-only": true}"#,
            "exclude each other",
        ),
        (
            r#"{"tlsverify": true, "tls-min-version": "1.1"}"#,
            "1.3 or 1.2",
        ),
    ] {
        let error = load(text, &[]).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    load(
        r#"{"userns-remap": "", "no-new-privileges": false, "authorization-plugins": []}"#,
        &[],
    )
    .unwrap();
}

#[test]
fn a_file_that_was_named_must_exist() {
    let matches = command().get_matches_from(["lockgated", "--config-file", "/nonexistent.json"]);
    let error = Config::load(&Typed::new(matches)).unwrap_err();
    assert!(error.to_string().contains("/nonexistent.json"), "{error}");
}

#[test]
fn every_setting_is_named_once() {
    let mut flags: Vec<_> = table::SETTINGS
        .iter()
        .map(|setting| setting.flag)
        .filter(|flag| !flag.is_empty())
        .collect();
    let count = flags.len();
    flags.sort_unstable();
    flags.dedup();
    assert_eq!(flags.len(), count);
    for (old, new) in table::RENAMED {
        assert!(
            table::by_key(old).is_none() && table::by_key(new).is_some(),
            "{old} {new}"
        );
    }
    command().debug_assert();
}

#[test]
fn metrics_have_an_address_that_needs_no_looking_up() {
    for (text, address) in [
        ("127.0.0.1:9323", "127.0.0.1:9323"),
        ("localhost:9323", "127.0.0.1:9323"),
        (":9323", "0.0.0.0:9323"),
        ("[::1]:9323", "[::1]:9323"),
    ] {
        let config = load(&format!(r#"{{"metrics-addr":"{text}"}}"#), &[]).unwrap();
        assert_eq!(config.gate.metrics, Some(address.parse().unwrap()));
    }
    let error = load("", &["--metrics-addr", "collector:9323"]).unwrap_err();
    assert!(error.contains("such as 127.0.0.1:9323"), "{error}");
}
