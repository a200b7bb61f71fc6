//! `GET /images/{name}/history`

use lockgate_api::latest::image::HistoryItem;
use lockgate_engine::ImageHistory;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) fn history(ask: &Ask) -> Result<Reply, Failure> {
    let steps = ask.engine.images().history(ask.name())?;
    let items: Vec<HistoryItem> = steps.into_iter().map(encode).collect();
    Ok(reply::json(&items))
}

fn encode(from: ImageHistory) -> HistoryItem {
    HistoryItem {
        comment: from.comment,
        created: from.created,
        created_by: from.created_by,
        id: from
            .id
            .map_or_else(|| "<missing>".to_owned(), |id| id.to_string()),
        size: from.size,
        tags: Some(from.tags).filter(|tags| !tags.is_empty()),
    }
}
