//! `DELETE /containers/{id}`

use lockgate_engine::RemoveOptions;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn remove(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let options = RemoveOptions {
        force: query.flag("force"),
        volumes: query.flag("v"),
        link: query.flag("link"),
    };
    ask.engine.containers().remove(ask.name(), options).await?;
    Ok(reply::no_content())
}
