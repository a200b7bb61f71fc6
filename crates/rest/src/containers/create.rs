//! `POST /containers/create`

use lockgate_access::HostRoot;
use lockgate_api::latest::container::{CreateRequest, CreateResponse};
use lockgate_engine::CreateContainer;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::pin;
use crate::reply;

pub(crate) async fn create(ask: &Ask) -> Result<Reply, Failure> {
    let document = ask.document()?;
    let mut request = CreateRequest::read(&document)?;
    if document.has_only(&["HostConfig", "NetworkingConfig"]) {
        return Err(Failure::invalid(
            "config cannot be empty in order to create a container",
        ));
    }
    request.upgrade(ask.version())?;
    pin::container(ask.meant(), &mut request)?;
    request.config.labels = ask.owned(request.config.labels);
    let text = |key: &str| {
        ask.query()
            .get(key)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let created = ask
        .engine
        .containers()
        .create(CreateContainer {
            name: text("name"),
            config: request.config,
            host_config: request.host_config,
            networking: request.networking_config,
            labels_of_caller: ask.view().controlled.clone(),
            host_roots: ask.view().host_roots.as_ref().map(|roots| {
                let root = |root: &HostRoot| (root.path.clone(), root.read_only);
                roots.iter().map(root).collect()
            }),
            platform: text("platform").filter(|_| ask.version().since(41)),
        })
        .await?;
    let id = created.id.to_string();
    Ok(reply::created(&CreateResponse {
        id,
        warnings: created.warnings,
    }))
}
