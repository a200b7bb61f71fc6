//! Whose objects a caller sees.

use std::collections::BTreeMap;

use lockgate_types::OWNER_LABEL;

/// What a caller sees of what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Whether environments of containers are shown.
    pub secrets: bool,
    /// Only these objects; `None` for all.
    pub scope: Option<Scope>,
    /// What a new object is marked with; `None` where there is no policy.
    pub owner: Option<String>,
}

impl View {
    /// Everything, nothing marked.
    pub(super) fn everything() -> Self {
        Self {
            secrets: true,
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

    pub(super) fn join(&mut self, other: Self) {
        self.labels.extend(other.labels);
        self.labels.sort();
        self.labels.dedup();
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
