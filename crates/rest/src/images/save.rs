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
    let plan = ask.engine.images().prepare_save(&names)?;
    let (writer, archive) = pipe::writer();
    let breaker = writer.breaker();
    tokio::spawn(async move {
        if let Err(error) = plan.write(writer).await {
            tracing::warn!(%error, "an image archive broke off");
            breaker.break_off(io::Error::other(error)).await;
        }
    });
    Ok(reply::streaming(reply::TAR, archive))
}
