//! Which images there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_store::Image;
use lockgate_types::{Digest, ImageRef, Timestamp};

use super::error::ImageError;
use super::glob::glob_matches;
use super::{Images, split_references};
use crate::filter::{FilterError, Filters};

/// Which images are wanted, and what is to be computed for them.
#[derive(Clone, Debug, Default)]
pub struct ImageListQuery {
    /// Also images that only others are built on.
    pub all: bool,
    /// `dangling`, `label`, `label!`, `before`, `since`, `reference`, `until`.
    pub filters: Filters,
    /// Count the containers of each image.
    pub containers: bool,
    /// Compute what each image shares with others.
    pub shared_size: bool,
}

/// An image in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// The image id.
    pub id: Digest,
    /// The image that it was built on.
    pub parent: Option<Digest>,
    /// Seconds since 1970, zero if unknown.
    pub created: i64,
    /// Labels of its configuration.
    pub labels: Option<BTreeMap<String, String>>,
    /// `app:1`, …
    pub repo_tags: Vec<String>,
    /// `app@sha256:…`, …
    pub repo_digests: Vec<String>,
    /// Bytes shared with other images, -1 if not computed.
    pub shared_size: i64,
    /// Bytes of content.
    pub size: i64,
    /// Containers made from it, -1 if not counted.
    pub containers: i64,
}

impl Images {
    /// Lists images, newest first.
    pub fn list(&self, query: &ImageListQuery) -> Result<Vec<ImageSummary>, ImageError> {
        let selection = Selection::new(self, &query.filters)?;
        let mut images = self.inner.store.images();
        images.sort_by_key(|image| (std::cmp::Reverse(image.config.created), image.id));
        let summaries = images.iter().filter(|image| selection.accepts(image));
        Ok(summaries
            .filter_map(|image| self.summary(image, query, &selection))
            .collect())
    }

    fn summary(
        &self,
        image: &Arc<Image>,
        query: &ImageListQuery,
        selection: &Selection<'_>,
    ) -> Option<ImageSummary> {
        let store = &self.inner.store;
        let references: Vec<ImageRef> = store
            .refs_of(&image.id)
            .into_iter()
            .filter(|r| selection.names(r))
            .collect();
        let (repo_tags, repo_digests) = split_references(&references);
        let is_shown = if references.is_empty() {
            let is_top = query.all || store.children(&image.id).is_empty();
            is_top && selection.dangling != Some(false) && !selection.filters.contains("reference")
        } else {
            selection.dangling != Some(true) || repo_tags.is_empty()
        };
        is_shown.then(|| ImageSummary {
            id: image.id,
            parent: image.parent,
            created: image.config.created.map_or(0, Timestamp::unix_seconds),
            labels: image.config.config.labels.clone(),
            repo_tags,
            repo_digests,
            shared_size: if query.shared_size {
                store.shared_size(image)
            } else {
                -1
            },
            size: image.size,
            containers: if query.containers {
                self.count_containers(&image.id)
            } else {
                -1
            },
        })
    }

    /// How many containers were made from the image.
    pub(crate) fn count_containers(&self, id: &Digest) -> i64 {
        i64::try_from(self.users(id).len()).unwrap_or(i64::MAX)
    }
}

/// The filters, understood.
struct Selection<'a> {
    filters: &'a Filters,
    dangling: Option<bool>,
    before: Option<Timestamp>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl<'a> Selection<'a> {
    fn new(images: &Images, filters: &'a Filters) -> Result<Self, ImageError> {
        filters.check_keys(&KNOWN)?;
        let created = |key: &str| -> Result<Option<Timestamp>, ImageError> {
            let mut created = None;
            for name in filters.values(key) {
                created = images.find(name)?.config.created;
            }
            Ok(created)
        };
        for pattern in filters.values("reference") {
            if glob_matches(pattern, "").is_none() {
                return Err(FilterError::value("reference", pattern).into());
            }
        }
        Ok(Self {
            filters,
            dangling: filters.boolean("dangling")?,
            before: created("before")?,
            since: created("since")?,
            until: filters.until(Timestamp::now())?,
        })
    }

    fn accepts(&self, image: &Image) -> bool {
        let created = image.config.created.unwrap_or_default();
        self.before.is_none_or(|before| created < before)
            && self.since.is_none_or(|since| created > since)
            && self
                .until
                .is_none_or(|until| !created.is_zero() && created <= until)
            && self
                .filters
                .matches_labels(image.config.config.labels.as_ref())
    }

    /// A pattern without tag also matches the repository's name.
    fn names(&self, reference: &ImageRef) -> bool {
        let matches = |pattern: &str| {
            [reference.familiar(), reference.familiar_name()]
                .iter()
                .any(|name| glob_matches(pattern, name) == Some(true))
        };
        !self.filters.contains("reference") || self.filters.values("reference").any(matches)
    }
}

const KNOWN: [&str; 7] = [
    "before",
    "dangling",
    "label",
    "label!",
    "reference",
    "since",
    "until",
];
