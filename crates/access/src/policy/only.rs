//! What the calls of a role must keep to.

use super::pattern::{PortPattern, is_of_registry, is_one_of, matches};
use crate::facts::{Details, Resources};

/// What calls must keep to; what is not named is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Only {
    pub(super) images: Option<Vec<String>>,
    pub(super) networks: Option<Vec<String>>,
    pub(super) published_ports: Option<Vec<PortPattern>>,
    pub(super) users: Option<Vec<String>>,
    pub(super) volumes: Option<Vec<String>>,
    pub(super) labels: Vec<(String, String)>,
    /// Bytes.
    pub(super) memory: Option<i64>,
    /// Billionths of a processor.
    pub(super) nano_cpus: Option<i64>,
    pub(super) pids: Option<i64>,
}

impl Only {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first thing that a call does not keep to.
    pub(super) fn broken_by(&self, details: &Details) -> Option<String> {
        self.content(details)
            .or_else(|| self.image(&details.images))
            .or_else(|| self.registry(details))
            .or_else(|| self.network(details))
            .or_else(|| self.port(details))
            .or_else(|| self.user(details))
            .or_else(|| self.label(details))
            .or_else(|| details.resources.and_then(|asked| self.resources(asked)))
    }

    /// A name says nothing of an image whose content nobody reads: it could be any image.
    fn content(&self, details: &Details) -> Option<String> {
        let unread = details.unread.filter(|_| self.images.is_some())?;
        Some(format!(
            "{unread} is not read and could make any image under a permitted name, so no role with `images` or \
             `registries` has it: give `{}` by a role without them, or build elsewhere and pull",
            unread.group()
        ))
    }

    /// Of the images that a call names, and of what it makes an image of.
    pub(super) fn image(&self, images: &[String]) -> Option<String> {
        let allowed = self.images.as_ref()?;
        let stranger = images.iter().find(|image| !is_one_of(allowed, image))?;
        Some(format!(
            "the image {stranger:?} is not one of the role's `images`"
        ))
    }

    fn registry(&self, details: &Details) -> Option<String> {
        let allowed = self.images.as_ref()?;
        let about = |registry: &String| allowed.iter().any(|it| is_of_registry(it, registry));
        let stranger = details.registries.iter().find(|it| !about(it))?;
        Some(format!(
            "the registry {stranger:?} is not one of the role's `images` or `registries`"
        ))
    }

    fn network(&self, details: &Details) -> Option<String> {
        let stranger = none_of(self.networks.as_ref()?, &details.networks)?;
        Some(format!(
            "the network {stranger:?} is not one of the role's `networks`"
        ))
    }

    fn port(&self, details: &Details) -> Option<String> {
        let allowed = self.published_ports.as_ref()?;
        let (address, port) = details
            .ports
            .iter()
            .find(|(address, port)| !allowed.iter().any(|own| own.covers(address, port)))?;
        Some(format!(
            "publishing {address:?}:{port:?} is not within the role's `published_ports`"
        ))
    }

    /// A group beside the user's own is one as in `1000:44`.
    fn user(&self, details: &Details) -> Option<String> {
        let (allowed, user) = (self.users.as_ref()?, details.user.as_ref()?);
        let name = user.split(':').next().unwrap_or_default();
        let with_groups = details.groups.iter().map(|group| format!("{name}:{group}"));
        let all: Vec<String> = [user.clone()].into_iter().chain(with_groups).collect();
        let stranger = none_of(allowed, &all)?;
        Some(format!(
            "the user {stranger:?} is not one of the role's `users`"
        ))
    }

    fn label(&self, details: &Details) -> Option<String> {
        if !details.is_container {
            return None;
        }
        let missing = self
            .labels
            .iter()
            .find(|label| !details.labels.contains(label))?;
        Some(format!("the label {}={} is required", missing.0, missing.1))
    }

    /// A limit must be named and be within the ceiling; an update may leave what was within.
    fn resources(&self, asked: Resources) -> Option<String> {
        let over = |ceiling: Option<i64>, value: i64| {
            ceiling.is_some_and(|ceiling| {
                let unlimited = value < 0 || (value == 0 && !asked.is_update);
                unlimited || value > ceiling
            })
        };
        // As much again in the swap is what a limit of the memory alone means.
        let with_swap = self.memory.map(|ceiling| ceiling.saturating_mul(2));
        let (name, ceiling) = if over(self.memory, asked.memory) {
            ("memory", self.memory)
        } else if asked.memory_swap != 0 && over(with_swap, asked.memory_swap) {
            ("memory and swap together", with_swap)
        } else if over(self.nano_cpus, asked.nano_cpus) {
            ("cpus (in billionths)", self.nano_cpus)
        } else if over(self.pids, asked.pids) {
            ("pids", self.pids)
        } else {
            return None;
        };
        Some(format!(
            "{name} must be limited to at most {}",
            ceiling.unwrap_or_default()
        ))
    }
}

fn none_of<'a>(allowed: &[String], names: &'a [String]) -> Option<&'a String> {
    names
        .iter()
        .find(|name| !allowed.iter().any(|pattern| matches(pattern, name)))
}
