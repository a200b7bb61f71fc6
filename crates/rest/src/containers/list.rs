//! `GET /containers/json`

use lockgate_api::Shape;
use lockgate_engine::ListQuery;
use lockgate_gate::Reply;

use super::encode;
use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn list(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let limit = query
        .signed("limit")?
        .and_then(|limit| usize::try_from(limit).ok());
    let containers = ask.engine.containers();
    let found = containers
        .list(&ListQuery {
            all: query.flag("all"),
            limit: limit.filter(|limit| *limit > 0),
            size: query.flag("size"),
            filters: ask.filters(FILTERS)?,
        })
        .await?;
    let mut lines: Vec<_> = found.into_iter().map(encode::summary).collect();
    lines.shape(ask.version());
    Ok(reply::json(&lines))
}

const FILTERS: &[&str] = &[
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];
