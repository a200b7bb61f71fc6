//! `POST /images/prune`, and `POST /build/prune` which has nothing to do.

use lockgate_api::latest::image::PruneReport;
use lockgate_api::latest::usage::BuildPruneReport;
use lockgate_gate::Reply;

use super::remove::item;
use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn prune(ask: &Ask) -> Result<Reply, Failure> {
    let filters = ask.filters()?;
    let pruned = ask.engine.images().prune(filters).await?;
    let gone: Vec<_> = pruned.deleted.into_iter().map(item).collect();
    Ok(reply::json(&PruneReport {
        images_deleted: Some(gone).filter(|gone| !gone.is_empty()),
        space_reclaimed: pruned.reclaimed,
    }))
}

/// There is no build cache.
pub(crate) fn prune_builds() -> Reply {
    reply::json(&BuildPruneReport::default())
}
