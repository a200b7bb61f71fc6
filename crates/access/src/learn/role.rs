//! The text of a role.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use lockgate_api::{Family, Operation};
use lockgate_types::ImageRef;
use serde::Serialize;

use super::{Lesson, Seen};
use crate::facts::{Kind, Power, Wish, resolve};
use crate::policy::{is_id, is_of_registry};

#[derive(Serialize)]
struct RoleText {
    allow: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    own: bool,
    #[serde(skip_serializing_if = "HostText::is_empty")]
    host: HostText,
    #[serde(skip_serializing_if = "OnlyText::is_empty")]
    only: OnlyText,
}

#[derive(Default, PartialEq, Serialize)]
struct HostText {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    paths: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    capabilities: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    cgroups: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    devices: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    drivers: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    namespaces: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    runtimes: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    security: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    sysctls: BTreeSet<String>,
}

#[derive(Default, PartialEq, Serialize)]
struct OnlyText {
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    networks: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_ports: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<i64>,
}

impl HostText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Gives one piece of power.
    fn give(&mut self, wish: &Wish) {
        let list = match wish.power {
            Power::Capabilities => &mut self.capabilities,
            Power::ControlGroup => &mut self.cgroups,
            Power::Devices => &mut self.devices,
            Power::Driver => &mut self.drivers,
            Power::HostNamespace => &mut self.namespaces,
            Power::HostPath => {
                let path = plain(&wish.detail);
                let text = if wish.read_only {
                    format!("{path}:ro")
                } else {
                    path
                };
                self.paths.insert(text);
                return;
            }
            // It has no pieces.
            Power::Privileged => return,
            Power::Runtime => &mut self.runtimes,
            Power::Security => &mut self.security,
            Power::Sysctls => &mut self.sysctls,
        };
        list.insert(wish.detail.clone());
    }
}

impl OnlyText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Lesson {
    /// A `[roles.NAME]` with all that was seen and no more, as text of a policy file. What a role cannot say
    /// stands above it as a remark.
    pub fn role(&self, name: &str) -> Result<String, toml::ser::Error> {
        let mut remarks = self.remarks();
        let role = RoleText {
            allow: self.allow(),
            own: self.is_own(),
            host: self.host(),
            only: self.only(&mut remarks),
        };
        let tree = toml::Table::from_iter([(
            "roles".to_owned(),
            toml::Value::Table(toml::Table::from_iter([(
                name.to_owned(),
                toml::Value::try_from(role)?,
            )])),
        )]);
        let remarks = remarks.iter().map(|remark| format!("# {remark}\n"));
        Ok(remarks.collect::<String>() + &toml::to_string(&tree)?)
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.missed > 0 {
            remarks.push(format!(
                "{} calls were missed: they came too fast",
                self.missed
            ));
        }
        if !self.denied.is_empty() {
            let names: Vec<&str> = self.denied.iter().map(|it| it.name()).collect();
            let names = names.join(", ");
            remarks.push(format!("denied and not learnt (--with-denied): {names}"));
        }
        remarks
    }

    /// Operations by their names, and the one power that has no pieces.
    fn allow(&self) -> Vec<String> {
        let mut all: Vec<String> = self.operations.iter().map(ToString::to_string).collect();
        let is = |wish: &Wish| wish.power == Power::Privileged;
        if self.seen.iter().any(|seen| seen.wishes.iter().any(is)) {
            all.push(Power::Privileged.name().to_owned());
        }
        all
    }

    /// Whether only own objects were touched.
    fn is_own(&self) -> bool {
        let mut touched = self.seen.iter().filter_map(|seen| seen.own).peekable();
        touched.peek().is_some() && touched.all(|own| own)
    }

    fn host(&self) -> HostText {
        let mut host = HostText::default();
        let all = self.seen.iter().flat_map(|seen| &seen.wishes);
        all.for_each(|wish| host.give(wish));
        let writable = host.paths.clone();
        host.paths.retain(|path| {
            path.strip_suffix(":ro")
                .is_none_or(|path| !writable.contains(path))
        });
        host
    }

    fn only(&self, remarks: &mut Vec<String>) -> OnlyText {
        let did = |wanted: &[Operation]| wanted.iter().any(|it| self.operations.contains(it));
        let creates = did(&[Operation::ContainerCreate]);
        let mut only = OnlyText::default();
        if self.details(|seen| &seen.details.images).next().is_some() {
            only.images = self.images(remarks);
        }
        let names_networks = |it: &Operation| it.family() == Family::Network;
        if creates || self.operations.iter().any(names_networks) {
            only.networks = Some(
                self.details(|seen| &seen.details.networks)
                    .cloned()
                    .collect(),
            );
        }
        if creates || did(&[Operation::VolumeCreate]) {
            only.volumes = Some(self.volumes());
        }
        if creates {
            only.published_ports = self.ports(remarks);
        }
        if creates || did(&[Operation::ContainerExec]) {
            let users = self
                .seen
                .iter()
                .filter_map(|seen| seen.details.user.clone());
            only.users = Some(users.collect());
        }
        self.ceilings(&mut only);
        only
    }

    fn details<'a, T: 'a>(
        &'a self,
        of: impl Fn(&'a Seen) -> &'a Vec<T> + 'a,
    ) -> impl Iterator<Item = &'a T> {
        self.seen.iter().flat_map(of)
    }

    fn images(&self, remarks: &mut Vec<String>) -> Option<BTreeSet<String>> {
        if let Some(unread) = self.seen.iter().find_map(|seen| seen.details.unread) {
            remarks.push(format!("no `images`: {unread} is not read"));
            return None;
        }
        let mut names = BTreeSet::new();
        for image in self.details(|seen| &seen.details.images) {
            let Some(name) = named(image) else {
                remarks.push(format!("no `images`: {image:?} was used, which is no name"));
                return None;
            };
            names.insert(name);
        }
        let mut asked = self.details(|seen| &seen.details.registries);
        let about = |registry: &str| names.iter().any(|name| is_of_registry(name, registry));
        if let Some(registry) = asked.find(|registry| !about(registry)) {
            remarks.push(format!(
                "no `images`: the registry {registry:?} was asked, and none of them is there"
            ));
            return None;
        }
        Some(names)
    }

    fn volumes(&self) -> BTreeSet<String> {
        let uses = self.details(|seen| &seen.uses);
        let volumes = uses.filter(|used| used.kind == Kind::Volume);
        volumes.map(|used| used.name.clone()).collect()
    }

    fn ports(&self, remarks: &mut Vec<String>) -> Option<BTreeSet<String>> {
        let mut ports = BTreeSet::new();
        for (address, port) in self.details(|seen| &seen.details.ports) {
            // An empty one is a port of the daemon's choice.
            let port = if port.is_empty() { "0" } else { port };
            let text = match address.parse::<std::net::IpAddr>() {
                Ok(ip) if ip.to_string() == *address && ip.is_ipv6() => format!("[{ip}]:{port}"),
                Ok(ip) if ip.to_string() == *address => format!("{ip}:{port}"),
                _ if address.is_empty() => port.to_owned(),
                _ => {
                    remarks.push(format!(
                        "no `published_ports`: {address:?} is no plain address"
                    ));
                    return None;
                }
            };
            ports.insert(text);
        }
        Some(ports)
    }

    /// The highest limits, where every call had one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the policy rounds to billionths again"
    )]
    fn ceilings(&self, only: &mut OnlyText) {
        let asked: Vec<_> = self
            .seen
            .iter()
            .filter_map(|seen| seen.details.resources)
            .collect();
        let highest = |of: fn(&crate::facts::Resources) -> i64| {
            let unlimited = asked
                .iter()
                .any(|it| of(it) < 0 || (of(it) == 0 && !it.is_update));
            let highest = asked.iter().map(of).max().filter(|most| *most > 0);
            highest.filter(|_| !unlimited)
        };
        only.memory = highest(|asked| asked.memory).map(|bytes| bytes.to_string());
        only.cpus = highest(|asked| asked.nano_cpus).map(|nano| nano as f64 / 1e9);
        only.pids = highest(|asked| asked.pids);
    }
}

/// An image as a policy can name it; all tags of one are its name alone.
fn named(image: &str) -> Option<String> {
    let (name, all_tags) = match image.strip_suffix(":*") {
        Some(name) => (name, true),
        None => (image, false),
    };
    let reference = ImageRef::parse(name).ok().filter(|_| !is_id(name))?;
    Some(if all_tags {
        reference.familiar_name()
    } else {
        reference.familiar()
    })
}

/// A path as a policy can name it.
fn plain(path: &str) -> String {
    let is_plain = !path.contains(':')
        && Path::new(path)
            .components()
            .all(|part| !matches!(part, Component::ParentDir));
    if is_plain {
        path.to_owned()
    } else {
        resolve(path).to_string_lossy().into_owned()
    }
}
