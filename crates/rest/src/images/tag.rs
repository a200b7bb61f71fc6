//! `POST /images/{name}/tag`

use http::StatusCode;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::blocking::blocking;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn tag(ask: &Ask) -> Result<Reply, Failure> {
    let text = |key: &str| ask.query().text(key).to_owned();
    let (images, name) = (ask.engine.images(), ask.name().to_owned());
    let (repository, tag) = (text("repo"), text("tag"));
    blocking(move || images.tag(&name, &repository, &tag)).await??;
    Ok(reply::empty(StatusCode::CREATED))
}
