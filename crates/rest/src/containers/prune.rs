//! `POST /containers/prune`

use lockgate_api::latest::container::PruneReport;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn prune(ask: &Ask) -> Result<Reply, Failure> {
    let filters = ask.filters(&["label", "label!", "until"])?;
    let pruned = ask.engine.containers().prune(&filters).await?;
    let deleted: Vec<String> = pruned.deleted.iter().map(ToString::to_string).collect();
    Ok(reply::json(&PruneReport {
        containers_deleted: Some(deleted).filter(|deleted| !deleted.is_empty()),
        space_reclaimed: pruned.space_reclaimed,
    }))
}
