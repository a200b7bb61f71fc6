//! What a container is asked to be.

use lockgate_api::ApiVersion;
use lockgate_api::latest::container::{CreateRequest, UpdateRequest};
use lockgate_types::container::{DeviceMapping, HostConfig};

use super::host_path::clean;
use super::{Facts, Kind, Power, Reference, Resources};

impl Facts {
    pub(super) fn container(&mut self, request: &CreateRequest, version: ApiVersion) {
        let (config, host) = (&request.config, &request.host_config);
        self.details.images.push(config.image.clone());
        self.details.user = Some(config.user.clone());
        self.details.groups = host.group_add.clone().unwrap_or_default();
        self.details.is_container = true;
        self.details.makes = Some(Kind::Container);
        let labels = config.labels.iter().flatten();
        let pair = |(key, value): (&String, &String)| (key.clone(), value.clone());
        self.details.labels.extend(labels.map(pair));
        self.details.resources = Some(Resources {
            memory: host.memory,
            memory_swap: host.memory_swap,
            nano_cpus: cpus(host.nano_cpus, host.cpu_quota, host.cpu_period),
            // Older versions do not know the limit, and ignore it.
            pids: host
                .pids_limit
                .filter(|_| version.since(40))
                .unwrap_or(0)
                .max(0),
            is_update: false,
        });
        self.networks(request);
        // podman takes `/host:/here` for a bind.
        let places = config.volumes.iter().flatten().map(|(place, _)| place);
        places.for_each(|place| self.bind(place));
        for (port, bindings) in host.port_bindings.iter().flatten() {
            for binding in bindings.iter().flatten() {
                let at = (binding.host_ip.clone(), binding.host_port.clone());
                self.details.ports.push(at);
            }
            if bindings.as_ref().is_none_or(Vec::is_empty) && !port.is_empty() {
                self.details.ports.push((String::new(), String::new()));
            }
        }
        if host.publish_all_ports {
            self.details.ports.push((String::new(), String::new()));
        }
        self.host_config(host);
    }

    fn networks(&mut self, request: &CreateRequest) {
        let mode = request.host_config.network_mode.as_str();
        let endpoints = &request.networking_config.endpoints_config;
        let named = endpoints.iter().flatten().map(|(name, _)| name.as_str());
        let mut all: Vec<&str> = named.chain([mode]).collect();
        if mode.starts_with("container:") {
            // Whatever that one is on.
            self.details.networks.push(mode.to_owned());
        }
        all.retain(|name| !name.starts_with("container:"));
        for name in all {
            let name = if matches!(name, "" | "default") {
                "bridge"
            } else {
                name
            };
            if !self.details.networks.iter().any(|known| known == name) {
                self.details.networks.push(name.to_owned());
                self.uses(Kind::Network, name, false);
            }
        }
        for settings in endpoints.iter().flatten().filter_map(|(_, it)| it.as_ref()) {
            if !settings.network_id.is_empty() {
                self.details.networks.push(settings.network_id.clone());
                self.uses(Kind::Network, &settings.network_id, false);
            }
            self.endpoint(settings);
        }
    }

    /// The power that a configuration gives, and the objects that it uses.
    pub(super) fn host_config(&mut self, host: &HostConfig) {
        if host.privileged {
            self.wish(Power::Privileged, "");
        }
        for name in host.cap_add.iter().flatten() {
            let name = name.to_ascii_uppercase();
            self.wish(
                Power::Capabilities,
                name.strip_prefix("CAP_").unwrap_or(&name),
            );
        }
        self.namespaces(host);
        self.mounts(host);
        self.drivers(host);
        self.confinement(host);
        self.devices(
            host.devices.as_deref(),
            host.device_cgroup_rules.as_deref(),
            host.device_requests
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        );
        if !host.cgroup_parent.is_empty() {
            self.wish(Power::ControlGroup, cgroup(&host.cgroup_parent));
        }
    }

    fn namespaces(&mut self, host: &HostConfig) {
        for (name, mode) in [
            ("pid", &host.pid_mode),
            ("ipc", &host.ipc_mode),
            ("uts", &host.uts_mode),
            ("network", &host.network_mode),
            ("user", &host.userns_mode),
            ("cgroup", &host.cgroupns_mode),
        ] {
            if let Some(other) = mode.strip_prefix("container:") {
                self.uses(Kind::Container, other, true);
            } else if mode == "host" {
                self.wish(Power::HostNamespace, name);
            } else if !is_its_own(name, mode) {
                // podman joins whatever namespace `ns:PATH` says.
                self.wish(Power::HostNamespace, format!("{name} {mode}"));
            }
        }
    }

    fn drivers(&mut self, host: &HostConfig) {
        if !matches!(host.volume_driver.as_str(), "" | "local") {
            self.wish(Power::Driver, &host.volume_driver);
        }
        let log = host.log_config.kind.as_str();
        if !matches!(log, "" | "json-file" | "local" | "none") {
            self.wish(Power::Driver, log);
        }
        for (key, value) in host.log_config.config.iter().flatten() {
            // podman writes the log into whatever file `path` says.
            if !OF_LOGS.contains(&key.as_str()) {
                self.wish(Power::Driver, format!("log option {key}={value}"));
            }
        }
        if !host.runtime.is_empty() {
            self.wish(Power::Runtime, &host.runtime);
        }
    }

    fn confinement(&mut self, host: &HostConfig) {
        for option in host.security_opt.iter().flatten() {
            if !STRICTER.contains(&option.as_str()) {
                self.wish(Power::Security, option);
            }
        }
        for (name, paths) in [
            ("unmasked paths", &host.masked_paths),
            ("writable system paths", &host.readonly_paths),
        ] {
            if paths.is_some() {
                self.wish(Power::Security, name);
            }
        }
        // Runtimes and their hooks take orders by annotation: files to write, units, programs.
        for (key, value) in host.annotations.iter().flatten() {
            self.wish(Power::Security, format!("annotation {key}={value}"));
        }
        for key in host.sysctls.iter().flatten().map(|(key, _)| key) {
            self.wish(Power::Sysctls, key);
        }
    }

    fn devices(
        &mut self,
        devices: Option<&[DeviceMapping]>,
        rules: Option<&[String]>,
        requests: bool,
    ) {
        for device in devices.into_iter().flatten() {
            let path = device.path_on_host.as_str();
            if path.starts_with('/') {
                self.wish(Power::Devices, clean(path).to_string_lossy());
            } else {
                // It is looked for from where the daemon stands, or is the name of a kind of device.
                self.wish(Power::Devices, path);
            }
        }
        for rule in rules.into_iter().flatten() {
            self.wish(Power::Devices, format!("rule {rule}"));
        }
        if requests {
            self.wish(Power::Devices, "requests");
        }
    }

    pub(super) fn update(&mut self, request: &UpdateRequest) {
        self.devices(
            request.devices.as_deref(),
            request.device_cgroup_rules.as_deref(),
            request
                .device_requests
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        );
        if !request.cgroup_parent.is_empty() {
            self.wish(Power::ControlGroup, cgroup(&request.cgroup_parent));
        }
        self.details.resources = Some(Resources {
            memory: request.memory,
            memory_swap: request.memory_swap,
            nano_cpus: changed_cpus(request),
            // Nothing leaves it, nought takes it away.
            pids: request
                .pids_limit
                .map_or(0, |limit| if limit == 0 { -1 } else { limit }),
            is_update: true,
        });
    }

    pub(super) fn linked(&mut self, link: &str) {
        let name = link.split_once(':').map_or(link, |(name, _)| name);
        self.uses(Kind::Container, name, false);
    }

    pub(super) fn uses(&mut self, kind: Kind, name: &str, enters: bool) {
        self.uses.push(Reference {
            kind,
            name: name.to_owned(),
            enters,
        });
    }
}

/// Options of logs that lead nowhere.
const OF_LOGS: [&str; 10] = [
    "compress",
    "env",
    "env-regex",
    "labels",
    "labels-regex",
    "max-buffer-size",
    "max-file",
    "max-size",
    "mode",
    "tag",
];
/// Security options that take and give nothing.
const STRICTER: [&str; 3] = [
    "no-new-privileges",
    "no-new-privileges:true",
    "no-new-privileges=true",
];

/// Whether a mode means a namespace that is the container's own, or none.
fn is_its_own(namespace: &str, mode: &str) -> bool {
    match (namespace, mode) {
        (_, "" | "private") | ("ipc", "none" | "shareable") => true,
        // The name of a network, which never has a colon.
        ("network", name) => !name.contains(':'),
        _ => false,
    }
}

/// A control group as it is, whatever dots say.
fn cgroup(path: &str) -> String {
    if path.split('/').any(|part| part == "..") {
        clean(path).to_string_lossy().into_owned()
    } else {
        path.to_owned()
    }
}

/// The same of an update. A quota below nought takes the limit away; a period alone changes what the
/// quota that is there means, and nobody knows that here.
fn changed_cpus(request: &UpdateRequest) -> i64 {
    let (quota, period) = (request.cpu_quota, request.cpu_period);
    if request.nano_cpus == 0 && (quota < 0 || (quota == 0 && period != 0)) {
        return -1;
    }
    cpus(request.nano_cpus, quota, period)
}

/// Processors in billionths, however they were said.
pub(super) fn cpus(nano: i64, quota: i64, period: i64) -> i64 {
    if nano > 0 || quota <= 0 {
        return nano;
    }
    let period = if period > 0 { period } else { 100_000 };
    quota.saturating_mul(1_000_000_000) / period
}
