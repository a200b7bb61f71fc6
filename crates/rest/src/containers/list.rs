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
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let containers = ask.engine.containers();
    let found = containers
        .list(&ListQuery {
            all: query.flag("all") || limit.is_some(),
            // Those of others do not count.
            limit: limit.filter(|_| !ask.is_scoped()),
            size: query.flag("size"),
            filters: ask.filters()?,
        })
        .await?;
    let mut lines: Vec<_> = found
        .into_iter()
        .filter(|summary| ask.sees(Some(&summary.labels)))
        .take(limit.unwrap_or(usize::MAX))
        .map(encode::summary)
        .collect();
    lines.shape(ask.version());
    Ok(reply::json(&lines))
}
