//! How older versions see the newest answers.
//!
//! One line per difference; the numbers are those of the API's change log.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ApiVersion;
use crate::latest::container::{LegacyNetworkSettings, Storage};
use crate::latest::image::{Config, ShownConfig};
use crate::latest::{container, event, image, network, stats, system, usage};

/// Turns the newest answer into that of an older version.
pub trait Shape {
    /// Fills what only older versions have and empties what only newer ones have.
    fn shape(&mut self, version: ApiVersion);
}

/// The bytes of an answer: JSON and a newline, as Go's encoder writes it.
pub fn encode<T: serde::Serialize>(answer: &T) -> Vec<u8> {
    // The wire types have text keys and finite numbers: they always serialise.
    let mut bytes = serde_json::to_vec(answer).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl<T: Shape> Shape for Vec<T> {
    fn shape(&mut self, version: ApiVersion) {
        for item in self {
            item.shape(version);
        }
    }
}

impl Shape for container::Summary {
    fn shape(&mut self, version: ApiVersion) {
        if version.before(46) {
            self.host_config.annotations = None;
        }
        if version.before(52) {
            self.health = None;
        }
    }
}

impl Shape for container::Inspect {
    fn shape(&mut self, version: ApiVersion) {
        if version.before(45) {
            self.alias_by_id();
        }
        if version.before(46) {
            self.host_config.annotations = None;
        }
        if version.before(52) {
            self.storage = None;
            self.network_settings.fill_legacy();
        } else if let Some(driver) = self.graph_driver.take() {
            let storage = self.storage.get_or_insert_with(Storage::default);
            storage.root_fs.snapshot.name = driver.name;
        }
    }
}

impl container::Inspect {
    /// On networks that users made, older clients find the short id and the host name among the aliases.
    fn alias_by_id(&mut self) {
        let short = self.id.get(..12).unwrap_or_default().to_owned();
        let names = [short, self.config.hostname.clone()];
        let networks = self.network_settings.networks.iter_mut();
        for (_, endpoint) in networks.filter(|(name, _)| !BUILT_IN.contains(&name.as_str())) {
            let aliases = endpoint.aliases.get_or_insert_default();
            for name in names.iter().filter(|name| !name.is_empty()) {
                if !aliases.contains(name) {
                    aliases.push(name.clone());
                }
            }
        }
    }
}

/// Networks that are always there.
const BUILT_IN: [&str; 4] = ["bridge", "default", "host", "none"];

impl container::NetworkSettings {
    /// Older clients read the addresses of the default bridge from here.
    fn fill_legacy(&mut self) {
        let bridge = self.networks.get("bridge").cloned().unwrap_or_default();
        self.bridge = Some(String::new());
        self.legacy = Some(LegacyNetworkSettings {
            endpoint_id: bridge.endpoint_id,
            gateway: bridge.gateway,
            global_ipv6_address: bridge.global_ipv6_address,
            global_ipv6_prefix_len: bridge.global_ipv6_prefix_len,
            ip_address: bridge.ip_address,
            ip_prefix_len: bridge.ip_prefix_len,
            ipv6_gateway: bridge.ipv6_gateway,
            mac_address: bridge.mac_address,
            ..LegacyNetworkSettings::default()
        });
    }
}

impl Shape for stats::Stats {
    fn shape(&mut self, version: ApiVersion) {
        if version.before(52) {
            self.os_type.clear();
        }
    }
}

impl Shape for image::Summary {
    fn shape(&mut self, version: ApiVersion) {
        let is_empty = |names: &Option<Vec<String>>| names.as_ref().is_none_or(Vec::is_empty);
        if version.before(43) {
            if is_empty(&self.repo_tags) && is_empty(&self.repo_digests) {
                self.repo_tags = Some(vec!["<none>:<none>".to_owned()]);
                self.repo_digests = Some(vec!["<none>@<none>".to_owned()]);
            }
            self.repo_digests = self
                .repo_digests
                .take()
                .filter(|digests| !digests.is_empty());
        } else {
            self.repo_tags.get_or_insert_default();
            self.repo_digests.get_or_insert_default();
        }
        if version.before(44) {
            self.virtual_size = Some(self.size);
        }
        if version.before(51) {
            self.containers = -1;
        }
    }
}

impl Shape for image::Inspect {
    fn shape(&mut self, version: ApiVersion) {
        if version.before(44) {
            self.virtual_size = Some(self.size);
        }
        if version.before(45) {
            self.container_config.get_or_insert_default();
        } else {
            (self.container, self.container_config) = (None, None);
        }
        if version.before(52) {
            for text in [
                &mut self.parent,
                &mut self.docker_version,
                &mut self.comment,
                &mut self.author,
            ] {
                text.get_or_insert_default();
            }
            if let Some(ShownConfig::Image(config)) = &self.config {
                self.config = Some(ShownConfig::Sorted(sorted_config(config, version)));
            }
        } else {
            (self.parent, self.docker_version, self.graph_driver) = (None, None, None);
            self.comment = self.comment.take().filter(|text| !text.is_empty());
            self.author = self.author.take().filter(|text| !text.is_empty());
        }
    }
}

/// Before 1.52 some fields of the config are there whatever they are, before 1.50 some more.
fn sorted_config(config: &Config, version: ApiVersion) -> BTreeMap<String, Value> {
    let always = json!({
        "Cmd": config.cmd, "Entrypoint": config.entrypoint, "Env": config.env,
        "Labels": config.labels, "OnBuild": config.on_build, "User": config.user,
        "Volumes": config.volumes, "WorkingDir": config.working_dir,
    });
    let formerly = json!({
        "AttachStderr": false, "AttachStdin": false, "AttachStdout": false, "Domainname": "",
        "Hostname": "", "Image": "", "OpenStdin": false, "StdinOnce": false, "Tty": false,
    });
    let filled = serde_json::to_value(config).unwrap_or_default();
    let layers = [
        Some(filled),
        Some(always),
        version.before(50).then_some(formerly),
    ];
    layers
        .into_iter()
        .filter_map(|layer| match layer {
            Some(Value::Object(members)) => Some(members),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The list; an inspected network keeps its containers in every version.
impl Shape for network::Network {
    fn shape(&mut self, version: ApiVersion) {
        if version.since(52) {
            self.containers = None;
        } else if version.since(28) {
            self.containers = Some(BTreeMap::new());
        }
    }
}

impl Shape for event::Message {
    fn shape(&mut self, version: ApiVersion) {
        if version.since(52) {
            self.status.clear();
            self.id.clear();
            self.from.clear();
        }
    }
}

impl Shape for usage::Lists {
    fn shape(&mut self, version: ApiVersion) {
        for image in self.images.iter_mut().flatten() {
            image.repo_digests = image.repo_digests.take().filter(|names| !names.is_empty());
            image.repo_tags = image.repo_tags.take().filter(|names| !names.is_empty());
            if version.before(44) {
                image.virtual_size = Some(image.size);
            }
        }
        for container in self.containers.iter_mut().flatten() {
            container.shape(version);
        }
        if version.before(42) {
            self.builder_size = Some(
                self.build_cache
                    .iter()
                    .flatten()
                    .map(|record| record.size)
                    .sum(),
            );
            for record in self.build_cache.iter_mut().flatten() {
                record.parents = None;
            }
        }
    }
}

impl Shape for system::Info {
    fn shape(&mut self, version: ApiVersion) {
        if version.before(26) {
            self.security_options = self
                .security_options
                .iter()
                .filter_map(|option| option.strip_prefix("name="))
                .map(|option| option.split(',').next().unwrap_or_default().to_owned())
                .collect();
        }
        if version.before(42) {
            self.kernel_memory = Some(self.memory_limit);
        }
        if version.before(44) {
            self.runtimes
                .values_mut()
                .for_each(|runtime| runtime.status = None);
        }
        if version.before(46) {
            self.containerd = None;
        }
        if version.before(49) {
            self.firewall_backend = None;
            for commit in [
                &mut self.containerd_commit,
                &mut self.runc_commit,
                &mut self.init_commit,
            ] {
                commit.expected = Some(commit.id.clone()).filter(|id| !id.is_empty());
            }
            if let Some(registry) = &mut self.registry_config {
                registry.nondistributable_cidrs = Some(Value::Null);
                registry.nondistributable_hostnames = Some(Value::Null);
            }
        }
        if version.before(50) {
            self.bridge_nf_iptables = Some(false);
            self.bridge_nf_ip6tables = Some(false);
        }
    }
}

impl system::Info {
    /// The bytes of the answer; before 1.50 its keys are sorted.
    pub fn encode(&self, version: ApiVersion) -> Vec<u8> {
        if version.before(50) {
            return encode(&serde_json::to_value(self).unwrap_or_default());
        }
        encode(self)
    }
}
