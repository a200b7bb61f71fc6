//! What a caller sees of what there is, and what is marked as its own.

use std::collections::BTreeMap;

use lockgate_engine::Filters;
use lockgate_types::OWNER_LABEL;

use crate::ask::Ask;

type Labels = BTreeMap<String, String>;

impl Ask {
    /// Whether the caller sees an object with these labels.
    pub(crate) fn sees(&self, labels: Option<&Labels>) -> bool {
        let scope = self.view().scope.as_ref();
        scope.is_none_or(|scope| scope.sees(labels))
    }

    /// Whether the caller sees a part of what there is only.
    pub(crate) fn is_scoped(&self) -> bool {
        self.view().scope.is_some()
    }

    /// The labels of a new object, which say whose it is. What an image or a client says of that
    /// does not count.
    pub(crate) fn owned(&self, labels: Option<Labels>) -> Option<Labels> {
        let Some(owner) = &self.view().owner else {
            return labels;
        };
        let mut labels = labels.unwrap_or_default();
        labels.insert(OWNER_LABEL.to_owned(), owner.clone());
        Some(labels)
    }

    /// The filters of a prune: one set for each label that makes an object the caller's.
    pub(crate) fn within_scope(&self, filters: &Filters) -> Vec<Filters> {
        let Some(scope) = &self.view().scope else {
            return vec![filters.clone()];
        };
        let narrowed = scope.filters().map(|label| {
            let mut filters = filters.clone();
            filters.insert("label", label);
            filters
        });
        narrowed.collect()
    }

    /// An environment as the caller may see it: with its values, or their names alone.
    pub(crate) fn environment(&self, env: Option<Vec<String>>) -> Option<Vec<String>> {
        if self.view().secrets {
            return env;
        }
        let hide = |entry: String| match entry.split_once('=') {
            Some((name, _)) => format!("{name}={HIDDEN}"),
            None => entry,
        };
        env.map(|env| env.into_iter().map(hide).collect())
    }
}

/// In place of a value.
const HIDDEN: &str = "(hidden)";
