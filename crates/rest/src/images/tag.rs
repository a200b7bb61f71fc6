//! `POST /images/{name}/tag`

use http::StatusCode;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn tag(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    ask.engine
        .images()
        .tag(ask.name(), query.text("repo"), query.text("tag"))?;
    Ok(reply::empty(StatusCode::CREATED))
}
