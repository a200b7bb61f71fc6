//! Image references, `[domain/]path[:tag][@digest]` (distribution's reference grammar).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// A normalised image reference: domain and path are always there, at most one of tag and digest
/// is needed to find an image; without both, the tag is `latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ImageRef {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no image reference; the wording is Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Outside the grammar.
    #[error("invalid reference format")]
    Format,
    /// The repository has upper-case letters.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    /// A tag alone, outside the grammar.
    #[error("invalid tag format")]
    Tag,
    /// More than 255 characters.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
}

impl ImageRef {
    /// Parses and normalises, as the docker CLI does: `busybox` is `docker.io/library/busybox:latest`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (
                rest,
                Some(digest.parse().map_err(|_digest| ReferenceError::Format)?),
            ),
            None => (text, None),
        };
        let (domain, remainder) = split_domain(rest);
        let (path, tag) = match remainder.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (remainder.as_str(), None),
        };
        let name = remainder.split(':').next().unwrap_or_default();
        if name.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ReferenceError::Uppercase(name.to_owned()));
        }
        if !is_domain(&domain) || !is_path(path) || !tag.is_none_or(is_tag) {
            return Err(ReferenceError::Format);
        }
        if path.len() > 255 {
            return Err(ReferenceError::TooLong);
        }
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some("latest".to_owned()),
        };
        Ok(Self {
            domain,
            path: path.to_owned(),
            tag,
            digest,
        })
    }

    /// The same repository with another tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError::Tag);
        }
        Ok(Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        })
    }

    /// The registry, `docker.io` by default.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository within the registry, `library/busybox`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given or implied.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The repository as people write it: `busybox`, `user/app`, `host:5000/app`.
    pub fn familiar_name(&self) -> String {
        match (self.domain.as_str(), self.path.strip_prefix("library/")) {
            ("docker.io", Some(official)) => official.to_owned(),
            ("docker.io", None) => self.path.clone(),
            (domain, _) => format!("{domain}/{}", self.path),
        }
    }

    /// The whole reference as people write it: `busybox:latest`, `app@sha256:…`.
    pub fn familiar(&self) -> String {
        self.append_suffix(self.familiar_name())
    }

    fn append_suffix(&self, mut text: String) -> String {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        text
    }
}

impl fmt::Display for ImageRef {
    /// The normalised form, `docker.io/library/busybox:latest`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.append_suffix(format!("{}/{}", self.domain, self.path)))
    }
}

impl FromStr for ImageRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ImageRef {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        Self::parse(&text)
    }
}

impl From<ImageRef> for String {
    fn from(reference: ImageRef) -> Self {
        reference.to_string()
    }
}

/// The first component is a domain if it has a dot or a port, is `localhost`, or is upper-case.
fn split_domain(text: &str) -> (String, String) {
    let (domain, remainder) = match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (first, rest.to_owned())
        }
        _ => ("docker.io", text.to_owned()),
    };
    let domain = if domain == "index.docker.io" {
        "docker.io"
    } else {
        domain
    };
    let bare = remainder.split(':').next().unwrap_or_default();
    if domain == "docker.io" && !bare.is_empty() && !remainder.contains('/') {
        return (domain.to_owned(), format!("library/{remainder}"));
    }
    (domain.to_owned(), remainder)
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let is_name = |host: &str| {
        host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
    };
    let is_ipv6 = |host: &str| {
        host.strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .is_some_and(|inner| {
                !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
            })
    };
    (is_name(host) || is_ipv6(host))
        && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

fn is_path(path: &str) -> bool {
    path.split('/').all(is_path_component)
}

/// `[a-z0-9]+` groups joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let is_alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let edges = [component.bytes().next(), component.bytes().last()];
    edges.iter().all(|edge| edge.is_some_and(is_alnum))
        && component
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_as_docker_does() {
        for (text, normal, familiar) in [
            (
                "busybox",
                "docker.io/library/busybox:latest",
                "busybox:latest",
            ),
            (
                "busybox:1.36",
                "docker.io/library/busybox:1.36",
                "busybox:1.36",
            ),
            ("user/app", "docker.io/user/app:latest", "user/app:latest"),
            ("docker.io/library/x:1", "docker.io/library/x:1", "x:1"),
            (
                "index.docker.io/x",
                "docker.io/library/x:latest",
                "x:latest",
            ),
            ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
            (
                "127.0.0.1:5000/a/b:t",
                "127.0.0.1:5000/a/b:t",
                "127.0.0.1:5000/a/b:t",
            ),
            ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
        ] {
            let reference = ImageRef::parse(text).unwrap();
            assert_eq!(reference.to_string(), normal);
            assert_eq!(reference.familiar(), familiar);
            assert_eq!(ImageRef::parse(&reference.to_string()).unwrap(), reference);
        }
    }

    #[test]
    fn keeps_a_digest_and_adds_no_tag_to_it() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let reference = ImageRef::parse(&format!("app@{digest}")).unwrap();
        assert_eq!(reference.tag(), None);
        assert_eq!(reference.familiar(), format!("app@{digest}"));
    }

    #[test]
    fn says_that_repositories_are_lower_case() {
        assert_eq!(
            ImageRef::parse("FOO").unwrap_err().to_string(),
            "invalid reference format: repository name (library/FOO) must be lowercase"
        );
    }

    #[test]
    fn refuses_what_the_grammar_does_not_know() {
        for bad in [
            "",
            ":",
            "@",
            "a:",
            "a@",
            "a b",
            "a//b",
            "/a",
            "a/",
            "../a",
            "a..b",
            "a__",
            "-a",
            "a:ü",
            "a@sha256:00",
            "http://a/b",
            "a:b:c",
        ] {
            assert!(ImageRef::parse(bad).is_err(), "{bad}");
        }
        ImageRef::parse(&"a".repeat(300)).unwrap_err();
        ImageRef::parse(&format!("a:{}", "t".repeat(129))).unwrap_err();
    }
}
