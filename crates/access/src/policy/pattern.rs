//! The patterns of conditions: names, images, ports.

use lockgate_types::ImageRef;

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

/// Whether an image goes by one of these names, with or without tag and registry; an id is no name. `app:*` is
/// `app` with all its tags.
pub(super) fn is_one_of(allowed: &[String], image: &str) -> bool {
    let names = names(image).unwrap_or_default();
    let fits = |pattern: &String| names.iter().any(|name| matches(pattern, name));
    allowed.iter().any(fits)
}

fn names(image: &str) -> Option<Vec<String>> {
    let (name, all_tags) = match image.strip_suffix(":*") {
        Some(name) => (name, true),
        None => (image, false),
    };
    let reference = ImageRef::parse(name).ok().filter(|_| !is_id(name))?;
    let familiar = reference.familiar_name();
    let whole = format!("{}/{}", reference.domain(), reference.path());
    let tagged = reference.familiar();
    let suffix = if all_tags {
        ":*"
    } else {
        tagged.strip_prefix(&familiar)?
    };
    let with_suffix = [format!("{familiar}{suffix}"), format!("{whole}{suffix}")];
    Some([familiar, whole].into_iter().chain(with_suffix).collect())
}

/// What the daemon may take for an id, or for the start of one, is no name.
pub(crate) fn is_id(image: &str) -> bool {
    image.starts_with("sha256:") || image.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a pattern of images is about this registry.
pub(crate) fn is_of_registry(pattern: &str, registry: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if !registry.chars().all(is_plain) {
        return false;
    }
    let first = pattern.split('/').next().unwrap_or_default();
    let names_one =
        pattern.contains('/') && (first.contains(['.', ':', '*']) || first == "localhost");
    match registry {
        "docker.io" => !names_one || matches(first, registry),
        other => (names_one || pattern == "*") && matches(first, other),
    }
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
    pub(super) fn covers(&self, address: &str, ports: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn image_matches(pattern: &str, image: &str) -> bool {
        is_one_of(&[pattern.to_owned()], image)
    }

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
        for id in ["deadbeef", "ab", "A1B2"] {
            assert!(!image_matches("*", id), "{id}");
        }
        assert!(!image_matches("*", &format!("sha256:{}", "a".repeat(64))));
        assert!(!image_matches("ci/*", "evil/ci/x"));
        assert!(image_matches("docker.io/*", "busybox"));
        assert!(image_matches("docker.io/ci/*", "ci/app:1"));
        assert!(!image_matches("docker.io/*", "evil.example:5000/busybox"));
        assert!(image_matches(
            "evil.example:5000/*",
            "evil.example:5000/busybox"
        ));
        assert!(!image_matches(
            "evil.example/*",
            "evil.example:5000/busybox"
        ));
    }

    #[test]
    fn all_tags_are_allowed_by_who_allows_each() {
        for (pattern, fits) in [
            ("ci/app", true),
            ("ci/*", true),
            ("ci/app:*", true),
            ("ci/app:latest", false),
            ("ci/app:1.*", false),
        ] {
            assert_eq!(image_matches(pattern, "ci/app:*"), fits, "{pattern}");
        }
    }

    #[test]
    fn a_registry_is_reached_where_a_pattern_is_about_it() {
        for (pattern, registry, fits) in [
            ("busybox", "docker.io", true),
            ("ci/*", "docker.io", true),
            ("docker.io/*", "docker.io", true),
            ("registry.example/*", "docker.io", false),
            ("registry.example/ci/*", "registry.example", true),
            ("registry.example/*", "registry.example:5000", false),
            ("*.example/*", "registry.example", true),
            ("busybox", "169.254.169.254", false),
            ("*", "169.254.169.254", true),
        ] {
            assert_eq!(
                is_of_registry(pattern, registry),
                fits,
                "{pattern} {registry}"
            );
        }
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
