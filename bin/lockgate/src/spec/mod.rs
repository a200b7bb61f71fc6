//! From flags to the body of `POST /containers/create`.

pub(crate) mod env;
pub(crate) mod network;
pub(crate) mod port;
pub(crate) mod resources;
mod security;
pub(crate) mod units;
pub(crate) mod volume;

use lockgate_types::container::{
    ContainerConfig, Healthcheck, HostConfig, LogConfig, RestartPolicy,
};
use lockgate_types::network::NetworkingConfig;
use serde::Serialize;

use crate::args::RunArgs;
use env::BareName;

/// The body of `POST /containers/create`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateBody {
    #[serde(flatten)]
    pub(crate) config: ContainerConfig,
    pub(crate) host_config: HostConfig,
    pub(crate) networking_config: NetworkingConfig,
}

/// Reads the flags.
pub(crate) fn build(args: &RunArgs) -> Result<CreateBody, String> {
    let (mut exposed, bindings) = port::publish(args.list("publish"))?;
    port::expose(args.list("expose"), &mut exposed)?;
    let (binds, volumes) = volume::binds(args.list("volume"))?;
    let (mode, networking_config) = network::build(args)?;
    let mut config = config(args)?;
    config.exposed_ports = (!exposed.is_empty()).then_some(exposed);
    config.volumes = Some(volumes);
    let mut host_config = host_config(args)?;
    host_config.binds = some(binds);
    host_config.port_bindings = Some(bindings);
    host_config.network_mode = mode;
    if let Some(mac) = args.given("mac-address").filter(|mac| !is_mac(mac)) {
        return Err(format!("{mac} is not a valid mac address"));
    }
    if host_config.auto_remove && !matches!(host_config.restart_policy.name.as_str(), "" | "no") {
        return Err("conflicting options: cannot specify both --restart and --rm".to_owned());
    }
    Ok(CreateBody {
        config,
        host_config,
        networking_config,
    })
}

fn config(args: &RunArgs) -> Result<ContainerConfig, String> {
    let attach = args.list("attach");
    let attached = |name: &str| attach.iter().any(|stream| stream == name);
    let open_stdin = args.is("interactive");
    let attach_stdin = attached("stdin") || open_stdin;
    let environment = env::gather(
        args.list("env-file"),
        args.list("env"),
        BareName::FromEnvironment,
    )?;
    let labels = env::gather(
        args.list("label-file"),
        args.list("label"),
        BareName::AsItIs,
    )?;
    let command = args.command();
    let entrypoint = args.given("entrypoint").map(|text| vec![text.to_owned()]);
    Ok(ContainerConfig {
        hostname: args.text("hostname").to_owned(),
        domainname: args.text("domainname").to_owned(),
        user: args.text("user").to_owned(),
        attach_stdin,
        attach_stdout: attach.is_empty() || attached("stdout"),
        attach_stderr: attach.is_empty() || attached("stderr"),
        tty: args.is("tty"),
        open_stdin,
        stdin_once: open_stdin && attach_stdin,
        env: some(environment),
        cmd: some(command.to_vec()),
        healthcheck: healthcheck(args)?,
        image: args.image().to_owned(),
        working_dir: args.text("workdir").to_owned(),
        entrypoint,
        labels: Some(env::to_map(&labels)),
        stop_signal: args
            .given("stop-signal")
            .filter(|s| !s.is_empty())
            .map(str::to_owned),
        stop_timeout: args.number("stop-timeout"),
        ..ContainerConfig::default()
    })
}

fn host_config(args: &RunArgs) -> Result<HostConfig, String> {
    let text = |flag: &str| args.text(flag).to_owned();
    let list = |flag: &str| args.list(flag).to_vec();
    let pairs = |flag: &str| Some(env::to_map(args.list(flag))).filter(|map| !map.is_empty());
    let mounts: Result<Vec<_>, _> = args
        .list("mount")
        .iter()
        .map(|text| volume::parse_mount(text))
        .collect();
    let (cap_add, cap_drop) = security::capabilities(args.list("cap-add"), args.list("cap-drop"));
    let mut host = HostConfig {
        container_id_file: text("cidfile"),
        log_config: log_config(args)?,
        restart_policy: restart_policy(args.text("restart"))?,
        auto_remove: args.is("rm"),
        volume_driver: text("volume-driver"),
        volumes_from: some(list("volumes-from")),
        annotations: pairs("annotation"),
        cap_add: some(cap_add),
        cap_drop: some(cap_drop),
        cgroupns_mode: text("cgroupns"),
        dns: Some(list("dns")),
        dns_options: Some(list("dns-option")),
        dns_search: Some(list("dns-search")),
        extra_hosts: some(list("add-host")),
        group_add: some(list("group-add")),
        ipc_mode: text("ipc"),
        links: some(list("link")),
        pid_mode: text("pid"),
        privileged: args.is("privileged"),
        publish_all_ports: args.is("publish-all"),
        readonly_rootfs: args.is("read-only"),
        storage_opt: pairs("storage-opt"),
        tmpfs: Some(volume::tmpfs(args.list("tmpfs"))).filter(|map| !map.is_empty()),
        uts_mode: text("uts"),
        userns_mode: text("userns"),
        sysctls: pairs("sysctl"),
        runtime: text("runtime"),
        isolation: text("isolation"),
        mounts: some(mounts?),
        init: args.switched("init"),
        ..HostConfig::default()
    };
    if args
        .list("storage-opt")
        .iter()
        .any(|option| !option.contains('='))
    {
        return Err("invalid storage option".to_owned());
    }
    security::build(args.list("security-opt"), &mut host)?;
    modes(&host)?;
    resources::build(args, &mut host)?;
    Ok(host)
}

/// Namespaces that can be shared, or not at all.
fn modes(host: &HostConfig) -> Result<(), String> {
    let shared = |mode: &str| mode.is_empty() || mode == "host";
    let other = |mode: &str| {
        mode.strip_prefix("container:")
            .is_some_and(|name| !name.is_empty())
    };
    if !shared(&host.pid_mode) && !other(&host.pid_mode) {
        return Err("--pid: invalid PID mode".to_owned());
    }
    if !shared(&host.uts_mode) {
        return Err("--uts: invalid UTS mode".to_owned());
    }
    if !shared(&host.userns_mode) {
        return Err("--userns: invalid USER mode".to_owned());
    }
    if !matches!(host.cgroupns_mode.as_str(), "" | "host" | "private") {
        return Err("--cgroupns: invalid CGROUP mode".to_owned());
    }
    Ok(())
}

/// `no`, `always`, `on-failure[:max]`, `unless-stopped`; the daemon knows the words.
pub(crate) fn restart_policy(text: &str) -> Result<RestartPolicy, String> {
    let text = if text.is_empty() { "no" } else { text };
    let (name, count) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() {
        return Err("invalid restart policy format: no policy provided before colon".to_owned());
    }
    let maximum_retry_count = if count.is_empty() {
        0
    } else {
        count.parse().map_err(|_error| {
            "invalid restart policy format: maximum retry count must be an integer".to_owned()
        })?
    };
    Ok(RestartPolicy {
        name: name.to_owned(),
        maximum_retry_count,
    })
}

fn log_config(args: &RunArgs) -> Result<LogConfig, String> {
    let kind = args.text("log-driver").to_owned();
    let options = args.list("log-opt");
    if kind == "none" && !options.is_empty() {
        return Err(format!("invalid logging opts for driver {kind}"));
    }
    Ok(LogConfig {
        kind,
        config: Some(env::to_map(options)),
    })
}

fn healthcheck(args: &RunArgs) -> Result<Option<Healthcheck>, String> {
    let number = |flag: &str| args.number_or_zero(flag);
    let check = Healthcheck {
        test: args
            .given("health-cmd")
            .filter(|text| !text.is_empty())
            .map(|text| vec!["CMD-SHELL".to_owned(), text.to_owned()]),
        interval: number("health-interval"),
        timeout: number("health-timeout"),
        start_period: number("health-start-period"),
        start_interval: number("health-start-interval"),
        retries: number("health-retries"),
    };
    let is_set = check != Healthcheck::default();
    if args.is("no-healthcheck") {
        if is_set {
            return Err("--no-healthcheck conflicts with --health-* options".to_owned());
        }
        let test = Some(vec!["NONE".to_owned()]);
        return Ok(Some(Healthcheck {
            test,
            ..Healthcheck::default()
        }));
    }
    for flag in [
        "health-interval",
        "health-timeout",
        "health-retries",
        "health-start-period",
        "health-start-interval",
    ] {
        if number(flag) < 0 {
            return Err(format!("--{flag} cannot be negative"));
        }
    }
    Ok(is_set.then_some(check))
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    matches!(parts.len(), 6 | 8 | 20)
        && parts
            .iter()
            .all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok())
}

/// Docker writes an empty list as null in most places.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restart_policies_have_a_count() {
        let policy = restart_policy("on-failure:3").unwrap();
        assert_eq!(
            (policy.name.as_str(), policy.maximum_retry_count),
            ("on-failure", 3)
        );
        assert_eq!(restart_policy("").unwrap().name, "no");
        restart_policy(":3").unwrap_err();
        restart_policy("on-failure:x").unwrap_err();
    }

    #[test]
    fn mac_addresses_have_six_bytes() {
        assert!(is_mac("92:d0:c6:0a:29:33") && is_mac("92-d0-c6-0a-29-33"));
        assert!(!is_mac("92:d0:c6:0a:29") && !is_mac("zz:d0:c6:0a:29:33"));
    }
}
