//! What a role gives of the host piece by piece, and what its calls must keep to.

use std::path::{Path, PathBuf};

use lockgate_types::ImageRef;

use super::scope::HostRoot;
use crate::facts::{Details, Power, Resources, Wish, resolve};

/// Power over single things of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// `/srv/data`, with all below it; with `:ro` for looking only.
    pub(super) paths: Vec<HostPath>,
    /// For the other powers: patterns that the detail of a wish must match.
    pub(super) details: Vec<(Power, String)>,
}

/// A path of the host that may be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPath {
    pub(super) path: PathBuf,
    pub(super) read_only: bool,
}

impl Host {
    /// Whether some paths are given.
    pub(super) fn has_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether that piece is given.
    pub(super) fn gives(&self, wish: &Wish) -> bool {
        if wish.power == Power::HostPath {
            return !self.paths.is_empty() && self.gives_path(wish);
        }
        self.details
            .iter()
            .any(|(power, pattern)| *power == wish.power && matches(pattern, &wish.detail))
    }

    fn gives_path(&self, wish: &Wish) -> bool {
        if !wish.detail.starts_with('/') {
            return false;
        }
        let real = resolve(&wish.detail);
        self.roots()
            .any(|root| real.starts_with(&root.path) && (wish.read_only || !root.read_only))
    }

    /// The paths, as they are on the host now.
    pub(super) fn roots(&self) -> impl Iterator<Item = HostRoot> {
        self.paths.iter().map(|allowed| HostRoot {
            path: allowed
                .path
                .canonicalize()
                .unwrap_or_else(|_missing| allowed.path.clone()),
            read_only: allowed.read_only,
        })
    }
}

impl HostPath {
    /// `/srv/data` or `/srv/data:ro`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (path, read_only) = match text.strip_suffix(":ro") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let is_plain = path.starts_with('/')
            && !path.contains(':')
            && Path::new(path)
                .components()
                .all(|part| !matches!(part, std::path::Component::ParentDir));
        is_plain.then(|| Self {
            path: path.into(),
            read_only,
        })
    }
}

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

/// `8000-8999`, `127.0.0.1:*`, `127.0.0.1:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortPattern {
    pub(super) address: Option<String>,
    pub(super) ports: std::ops::RangeInclusive<u16>,
}

impl PortPattern {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, ports) = match text.rsplit_once(':') {
            Some((address, ports)) => {
                let address: std::net::IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
                (Some(address.to_string()), ports)
            }
            None => (None, text),
        };
        Some(Self {
            address,
            ports: if ports == "*" {
                0..=u16::MAX
            } else {
                range(ports)?
            },
        })
    }

    /// An empty part of a request means any; `0` is a port of the daemon's choice.
    fn covers(&self, address: &str, ports: &str) -> bool {
        let address_fits = self.address.as_deref().is_none_or(|own| own == address);
        let ports = if ports.is_empty() { "0" } else { ports };
        address_fits
            && range(ports).is_some_and(|asked| {
                self.ports.contains(asked.start()) && self.ports.contains(asked.end())
            })
    }
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

impl Only {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first thing that a call does not keep to.
    pub(super) fn broken_by(&self, details: &Details) -> Option<String> {
        self.image(details)
            .or_else(|| self.network(details))
            .or_else(|| self.port(details))
            .or_else(|| self.user(details))
            .or_else(|| self.label(details))
            .or_else(|| details.resources.and_then(|asked| self.resources(asked)))
    }

    fn image(&self, details: &Details) -> Option<String> {
        let allowed = self.images.as_ref()?;
        let stranger = details
            .images
            .iter()
            .find(|image| !allowed.iter().any(|pattern| image_matches(pattern, image)))?;
        Some(format!(
            "the image {stranger:?} is not one of the role's `images`"
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

    fn user(&self, details: &Details) -> Option<String> {
        let (allowed, user) = (self.users.as_ref()?, details.user.as_ref()?);
        let fits = allowed.iter().any(|own| matches(own, user));
        (!fits).then(|| format!("the user {user:?} is not one of the role's `users`"))
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

/// An image by its familiar name, with or without tag; an id is no name.
fn image_matches(pattern: &str, image: &str) -> bool {
    let Ok(reference) = ImageRef::parse(image) else {
        return false;
    };
    // What has the form of an id may be found as one.
    let is_id = image.starts_with("sha256:")
        || (image.len() >= 4 && image.bytes().all(|byte| byte.is_ascii_hexdigit()));
    !is_id
        && (matches(pattern, &reference.familiar()) || matches(pattern, &reference.familiar_name()))
}

/// Whether `text` has the form of `pattern`, where `*` stands for anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("aa*aa", "aaa", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn an_image_is_allowed_by_its_name_and_not_by_an_id() {
        assert!(image_matches("busybox", "busybox"));
        assert!(image_matches("busybox", "busybox:1.36"));
        assert!(image_matches("busybox:1.*", "busybox:1.36"));
        assert!(!image_matches("busybox:1.*", "busybox"));
        assert!(!image_matches("*", "deadbeef"));
        assert!(!image_matches("*", &format!("sha256:{}", "a".repeat(64))));
        assert!(!image_matches("ci/*", "evil/ci/x"));
    }

    #[test]
    fn ports_are_within_their_range_and_address() {
        let covers = |pattern: &str, address: &str, port: &str| {
            PortPattern::parse(pattern).unwrap().covers(address, port)
        };
        assert!(covers("8000-8999", "", "8080"));
        assert!(covers("8000-8999", "", "8000-8001"));
        assert!(!covers("8000-8999", "", "8999-9000"));
        assert!(!covers("8000-8999", "", ""));
        assert!(covers("127.0.0.1:*", "127.0.0.1", ""));
        assert!(!covers("127.0.0.1:*", "", "80"));
        assert!(!covers("127.0.0.1:*", "0.0.0.0", "80"));
        assert_eq!(PortPattern::parse("x:1"), None);
        assert_eq!(PortPattern::parse("9-1"), None);
    }
}
