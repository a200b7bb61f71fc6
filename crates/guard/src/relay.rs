//! Both ends of a stream, connected.

use futures_util::future::BoxFuture;
use http::Response;
use http::header::CONTENT_TYPE;
use hyper_util::rt::TokioIo;
use lockgate_gate::{Duplex, Hijack, Reply, UpgradeTo};

use crate::flow::Flow;

const RAW: &str = "application/vnd.docker.raw-stream";
const MULTIPLEXED: &str = "application/vnd.docker.multiplexed-stream";

/// The reply to an answer `101`.
pub(crate) fn hijack(mut response: Response<Flow>, protocol: UpgradeTo) -> Reply {
    let kind_of_stream = response.headers().get(CONTENT_TYPE);
    let is_multiplexed = kind_of_stream.is_some_and(|value| value == MULTIPLEXED);
    let api_headers = response.headers().contains_key("api-version");
    let upgrade = hyper::upgrade::on(&mut response);
    let line = response.into_body().into_line();
    let run = move |client: Duplex| -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(line) = line {
                line.end().await;
            }
            let upstream = match upgrade.await {
                Ok(upstream) => TokioIo::new(upstream),
                Err(error) => {
                    return tracing::warn!(%error, "the upstream daemon ended a stream at once");
                }
            };
            if let Err(error) = lockgate_gate::relay(client, upstream).await {
                tracing::debug!(%error, "a relayed stream ended early");
            }
        })
    };
    Reply::Hijack(Hijack {
        content_type: if is_multiplexed { MULTIPLEXED } else { RAW },
        protocol,
        api_headers,
        run: Box::new(run),
    })
}
