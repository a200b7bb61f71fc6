//! `POST /containers/prune`

use lockgate_api::latest::container::PruneReport;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn prune(ask: &Ask) -> Result<Reply, Failure> {
    let filters = ask.filters()?;
    let (mut deleted, mut space_reclaimed) = (Vec::new(), 0);
    for filters in ask.within_scope(&filters) {
        let pruned = ask.engine.containers().prune(&filters).await?;
        deleted.extend(pruned.deleted.iter().map(ToString::to_string));
        space_reclaimed += pruned.space_reclaimed;
    }
    Ok(reply::json(&PruneReport {
        containers_deleted: Some(deleted).filter(|deleted| !deleted.is_empty()),
        space_reclaimed,
    }))
}
