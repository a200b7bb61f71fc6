//! Whose objects a caller sees.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_types::OWNER_LABEL;

/// A path of the host that may be mounted, with all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRoot {
    /// Without symbolic links.
    pub path: PathBuf,
    /// For looking only.
    pub read_only: bool,
}

/// What a caller sees of what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Whether environments of containers are shown.
    pub secrets: bool,
    /// Only these objects; `None` for all.
    pub scope: Option<Scope>,
    /// What a new object is marked with; `None` where there is no policy.
    pub owner: Option<String>,
    /// The host's paths that may be mounted, looked at again when they are; `None` for all.
    pub host_roots: Option<Vec<HostRoot>>,
    /// Labels that say whose an object is; they come from who asks and from nowhere else.
    pub controlled: Vec<String>,
}

impl View {
    /// Everything, nothing marked.
    pub(super) fn everything() -> Self {
        Self {
            secrets: true,
            controlled: vec![OWNER_LABEL.to_owned()],
            ..Self::default()
        }
    }
}

/// The objects with any of some labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub(super) labels: Vec<(String, String)>,
}

impl Scope {
    pub(super) fn of(owner: &str, labels: &[(String, String)]) -> Self {
        let own = (OWNER_LABEL.to_owned(), owner.to_owned());
        Self {
            labels: [own].into_iter().chain(labels.iter().cloned()).collect(),
        }
    }

    /// What one owner sees who has no role with labels.
    pub fn for_owner(owner: &str) -> Self {
        Self::of(owner, &[])
    }

    /// The same of labels that came together from several roles.
    pub(super) fn joined(owner: &str, mut labels: Vec<(String, String)>) -> Self {
        labels.push((OWNER_LABEL.to_owned(), owner.to_owned()));
        labels.sort();
        labels.dedup();
        Self { labels }
    }

    /// Whether something with these labels is seen.
    pub fn sees(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        labels.is_some_and(|labels| {
            self.labels
                .iter()
                .any(|(key, value)| labels.get(key) == Some(value))
        })
    }

    /// The filters, each `key=value`, that together let through what is seen.
    pub fn filters(&self) -> impl Iterator<Item = String> {
        self.labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
    }
}
