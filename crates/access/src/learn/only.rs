//! What the calls kept to, as conditions of a role.

use std::collections::BTreeSet;

use lockgate_api::{Family, Operation};
use lockgate_types::ImageRef;
use serde::Serialize;

use super::{Lesson, Seen};
use crate::facts::Kind;
use crate::policy::{is_id, is_of_registry};

#[derive(Default, PartialEq, Serialize)]
pub(super) struct OnlyText {
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

impl OnlyText {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Lesson {
    pub(super) fn only(&self, remarks: &mut Vec<String>) -> OnlyText {
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
            only.users = Some(self.seen.iter().flat_map(users).collect());
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

/// The user of a call, and the same with each group besides.
fn users(seen: &Seen) -> Vec<String> {
    let Some(user) = &seen.details.user else {
        return Vec::new();
    };
    let name = user.split(':').next().unwrap_or_default();
    let groups = seen.details.groups.iter();
    let with_groups = groups.map(|group| format!("{name}:{group}"));
    [user.clone()].into_iter().chain(with_groups).collect()
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
