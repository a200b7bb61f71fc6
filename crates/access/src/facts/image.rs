//! Which images a call names, makes or asks a registry for.

use std::fmt;

use lockgate_api::latest::system::AuthRequest;
use lockgate_api::{Call, Operation};
use serde::{Deserialize, Serialize};

use super::{Details, Facts, Kind, Power};

/// What becomes an image without anybody here reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unread {
    /// Images with their names.
    Archive,
    /// A Dockerfile with its context and the images that it names.
    Build,
    /// The files of one image.
    Import,
}

impl Unread {
    /// The group of operations that gives it.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Archive | Self::Import => "image.load",
            Self::Build => "build",
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Archive => "the archive of images",
            Self::Build => "the Dockerfile of a build",
            Self::Import => "the archive of an import",
        })
    }
}

impl Details {
    /// Another operation that this one amounts to: an import comes by the path of a pull.
    pub(crate) fn also(&self) -> Option<Operation> {
        (self.unread == Some(Unread::Import)).then_some(Operation::ImageLoad)
    }
}

impl Facts {
    pub(super) fn images(&mut self, call: &Call) {
        let query = |key: &str| call.query().text(key);
        let target = call.target().unwrap_or_default();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others neither make nor name images"
        )]
        match call.operation() {
            Operation::ImageCreate if query("fromImage").is_empty() => {
                self.details.unread = Some(Unread::Import);
                if query("fromSrc").contains("://") {
                    // The daemon fetches whatever the caller says, from where the daemon stands.
                    self.wish(Power::Driver, "import from a URL");
                }
            }
            Operation::ImageCreate => self.all_tags(query("fromImage"), query("tag")),
            Operation::ImageLoad => self.details.unread = Some(Unread::Archive),
            Operation::ImagePush => self.all_tags(target, query("tag")),
            Operation::DistributionInspect => self.details.images.push(target.to_owned()),
            // The new name must not be a way to an image that its old one does not lead to.
            Operation::ImageTag => {
                let named = tagged(query("repo"), query("tag"));
                self.details.images.extend([target.to_owned(), named]);
            }
            Operation::ImageCommit => {
                let named = Some(tagged(query("repo"), query("tag")));
                let named = named.filter(|name| !name.is_empty());
                self.details.images.extend(named);
                self.uses(Kind::Container, query("container"), true);
            }
            Operation::ImageSearch => self.search(query("term")),
            _ => {}
        }
    }

    /// Without a tag it is the whole repository, unless the name has one.
    fn all_tags(&mut self, name: &str, tag: &str) {
        let last = name.rsplit('/').next().unwrap_or_default();
        let name = if tag.is_empty() && !last.contains([':', '@']) {
            format!("{name}:*")
        } else {
            tagged(name, tag)
        };
        self.details.images.push(name);
    }

    /// `registry.example/term` asks that registry.
    fn search(&mut self, term: &str) {
        if let Some((registry, _)) = term.split_once('/')
            && (registry.contains(['.', ':']) || registry == "localhost")
        {
            self.registry(registry);
        }
    }

    pub(super) fn login(&mut self, request: &AuthRequest) {
        self.registry(&request.serveraddress);
    }

    fn registry(&mut self, address: &str) {
        let plain = ["https://", "http://"]
            .iter()
            .find_map(|scheme| address.strip_prefix(scheme))
            .unwrap_or(address);
        let host = plain.split('/').next().unwrap_or_default();
        let registry = match host {
            "" | "index.docker.io" | "registry-1.docker.io" => "docker.io",
            host => host,
        };
        self.details.registries.push(registry.to_owned());
    }
}

/// A name with a tag or a digest beside it; two of them are no name.
fn tagged(name: &str, tag: &str) -> String {
    match tag {
        "" => name.to_owned(),
        digest if digest.contains(':') => format!("{name}@{digest}"),
        tag => format!("{name}:{tag}"),
    }
}
