//! `GET /images/get` and `GET /images/{name}/get`

use std::io;

use lockgate_api::Operation;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::{pipe, reply};

/// Every name is looked up before the head of the answer is sent. What fails after that breaks
/// the archive off, so that no client takes half of one for whole.
pub(crate) async fn save(ask: &Ask) -> Result<Reply, Failure> {
    let names: Vec<String> = if ask.operation() == Operation::ImageGet {
        vec![ask.name().to_owned()]
    } else {
        ask.query()
            .all("names")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    if names.is_empty() {
        return Err(Failure::invalid(
            "no image names given: save at least one image",
        ));
    }
    let plan = ask.engine.images().prepare_save(&names);
    let plan = plan.map_err(|error| Failure::new(error.kind(), error.to_string()))?;
    let (mut writer, archive) = pipe::writer();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = plan.write(&mut writer) {
            tracing::warn!(%error, "an image archive broke off");
            writer.fail(io::Error::other(error));
        }
    });
    Ok(reply::streaming(reply::TAR, archive))
}
