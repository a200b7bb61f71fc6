//! `GET /containers/{id}/json`

use lockgate_api::Shape;
use lockgate_gate::Reply;

use super::encode;
use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn inspect(ask: &Ask) -> Result<Reply, Failure> {
    let found = ask
        .engine
        .containers()
        .inspect(ask.name(), ask.query().flag("size"))
        .await?;
    let mut answer = encode::inspect(found);
    answer.config.env = ask.environment(answer.config.env);
    answer.shape(ask.version());
    Ok(reply::json(&answer))
}
