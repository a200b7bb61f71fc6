//! `GET /containers/{id}/changes`

use lockgate_engine::ChangeKind;
use lockgate_gate::Reply;
use serde::Serialize;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    path: String,
    kind: u8,
}

/// `null` if nothing has changed, as the stock daemon has it.
pub(crate) async fn changes(ask: &Ask) -> Result<Reply, Failure> {
    let found = ask.engine.containers().changes(ask.name()).await?;
    let changes = found.into_iter().map(|change| Change {
        path: change.path,
        kind: match change.kind {
            ChangeKind::Modified => 0,
            ChangeKind::Added => 1,
            ChangeKind::Deleted => 2,
        },
    });
    let changes: Vec<Change> = changes.collect();
    Ok(reply::json(&Some(changes).filter(|all| !all.is_empty())))
}
