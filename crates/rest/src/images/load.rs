//! `POST /images/load`

use bytes::Bytes;
use futures_util::stream;
use lockgate_api::latest::progress::{Progress, ProgressDetail};
use lockgate_engine::LoadMessage;
use lockgate_gate::{Body, Reply};
use tokio::sync::mpsc;

use crate::ask::Ask;
use crate::error::Failure;
use crate::pipe::BodyReader;
use crate::reply::{self, JSON};

/// The answer begins at once and tells of failures in its stream, as the stock daemon's does.
pub(crate) async fn load(ask: &Ask, body: Body) -> Result<Reply, Failure> {
    let is_quiet = ask.query().flag_or("quiet", true);
    let (sender, receiver) = mpsc::channel(WAITING);
    let (images, last) = (ask.engine.images(), sender.clone());
    tokio::spawn(async move {
        let tell = move |message: LoadMessage| tell(&sender, message, is_quiet);
        if let Err(error) = images.load(BodyReader::new(body), tell).await {
            let failure = Failure::from(error);
            tracing::info!(error = %failure, "an image archive was not loaded");
            // Nobody to tell if the client has left.
            drop(last.send(Progress::error(failure.to_string())).await);
        }
    });
    let objects = stream::unfold(receiver, |mut receiver| async move {
        let progress = receiver.recv().await?;
        Some((Ok(Bytes::from(progress.encode())), receiver))
    });
    Ok(reply::streaming(JSON, objects))
}

/// Layers are told of as far as the client keeps up; texts wait for it. Called on a blocking
/// thread.
fn tell(client: &mpsc::Sender<Progress>, message: LoadMessage, is_quiet: bool) {
    match message {
        LoadMessage::Layer { .. } if is_quiet => {}
        LoadMessage::Layer { id, current, total } => {
            let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            let detail = ProgressDetail {
                current: number(current),
                total: number(total),
            };
            let progress = Progress {
                id,
                status: "Loading layer".to_owned(),
                progress_detail: Some(detail),
                ..Progress::default()
            };
            drop(client.try_send(progress));
        }
        LoadMessage::Text(text) => drop(client.blocking_send(Progress::stream(text))),
    }
}

/// How many objects may wait for a slow client.
const WAITING: usize = 32;
