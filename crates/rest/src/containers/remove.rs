//! `DELETE /containers/{id}`, and `DELETE /containers/{id}/{alias}?link=1`

use lockgate_engine::{LookupError, RemoveError, RemoveOptions};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn remove(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let containers = ask.engine.containers();
    match (ask.param("alias"), query.flag("link")) {
        (Some(alias), true) => containers.unlink(ask.name(), alias).await?,
        // What a link leads to is not removed by the link's name.
        (Some(alias), false) => {
            let name = format!("{}/{alias}", ask.name());
            return Err(RemoveError::from(LookupError::NotFound(name)).into());
        }
        (None, link) => {
            let options = RemoveOptions {
                force: query.flag("force"),
                volumes: query.flag("v"),
                link,
            };
            containers.remove(ask.name(), options).await?;
        }
    }
    Ok(reply::no_content())
}
