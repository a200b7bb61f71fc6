//! `GET /containers/{id}/top`

use lockgate_api::latest::container::Top;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn top(ask: &Ask) -> Result<Reply, Failure> {
    let top = ask
        .engine
        .containers()
        .top(ask.name(), ask.query().text("ps_args"))
        .await?;
    Ok(reply::json(&Top {
        processes: top.processes,
        titles: top.titles,
    }))
}
