//! `GET /images/json`

use lockgate_api::Shape;
use lockgate_api::latest::image::Summary;
use lockgate_engine::{ImageListQuery, ImageSummary};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) fn list(ask: &Ask) -> Result<Reply, Failure> {
    let (query, version) = (ask.query(), ask.version());
    let wanted = ImageListQuery {
        all: query.flag("all"),
        filters: ask.filters()?,
        containers: version.since(51),
        shared_size: version.since(42) && query.flag("shared-size"),
    };
    let images = ask.engine.images();
    let found = images.list(&wanted)?;
    let mut lines: Vec<Summary> = found.into_iter().map(summary).collect();
    lines.shape(version);
    Ok(reply::json(&lines))
}

/// One line, in a list or in the disk usage.
pub(crate) fn summary(from: ImageSummary) -> Summary {
    Summary {
        containers: from.containers,
        created: from.created,
        id: from.id.to_string(),
        labels: from.labels,
        parent_id: from
            .parent
            .map(|parent| parent.to_string())
            .unwrap_or_default(),
        repo_digests: Some(from.repo_digests),
        repo_tags: Some(from.repo_tags),
        shared_size: from.shared_size,
        size: from.size,
        virtual_size: None,
    }
}
