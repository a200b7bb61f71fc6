//! `DELETE /images/{name}`

use lockgate_api::latest::image::DeleteItem;
use lockgate_engine::{DeletedImage, RemoveImage};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn remove(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let options = RemoveImage {
        force: query.flag("force"),
        no_prune: query.flag("noprune"),
    };
    let gone = ask.engine.images().remove(ask.name(), options).await?;
    let items: Vec<DeleteItem> = gone.into_iter().map(item).collect();
    Ok(reply::json(&items))
}

pub(super) fn item(from: DeletedImage) -> DeleteItem {
    match from {
        DeletedImage::Untagged(untagged) => DeleteItem {
            untagged,
            ..DeleteItem::default()
        },
        DeletedImage::Deleted(id) => DeleteItem {
            deleted: id.to_string(),
            ..DeleteItem::default()
        },
    }
}
