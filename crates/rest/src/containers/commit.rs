//! `POST /commit`

use lockgate_engine::CommitContainer;
use lockgate_gate::Reply;
use lockgate_types::container::ContainerConfig;
use serde::Serialize;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

#[derive(Serialize)]
struct Committed {
    #[serde(rename = "Id")]
    id: String,
}

pub(crate) async fn commit(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let container = query.text("container");
    if container.is_empty() {
        return Err(Failure::invalid("invalid name or ID supplied: \"\""));
    }
    let config: ContainerConfig = ask.json_or_default()?;
    let wanted = CommitContainer {
        repository: query.text("repo").to_owned(),
        tag: query.text("tag").to_owned(),
        author: query.text("author").to_owned(),
        comment: query.text("comment").to_owned(),
        pause: query.flag_or("pause", true),
        changes: query.all("changes").map(str::to_owned).collect(),
        // An empty object says as little as no body.
        config: Some(config).filter(|config| *config != ContainerConfig::default()),
    };
    let id = ask.engine.containers().commit(container, wanted).await?;
    Ok(reply::created(&Committed { id: id.to_string() }))
}
