//! `GET /images/json`

use lockgate_api::Shape;
use lockgate_api::latest::image::Summary;
use lockgate_engine::{ImageListQuery, ImageSummary};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn list(ask: &Ask) -> Result<Reply, Failure> {
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
    count_own(ask, &mut lines).await?;
    lines.shape(version);
    Ok(reply::json(&lines))
}

/// Images are everybody's; how many containers others made of them is not.
pub(crate) async fn count_own(ask: &Ask, lines: &mut [Summary]) -> Result<(), Failure> {
    let Some(own) = ask.own_containers().await? else {
        return Ok(());
    };
    for line in lines.iter_mut().filter(|line| line.containers > 0) {
        let made = own.iter().filter(|it| it.image_id == line.id).count();
        line.containers = i64::try_from(made).unwrap_or(i64::MAX);
    }
    Ok(())
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
