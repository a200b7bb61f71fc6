//! Connections that become byte streams.

use lockgate_api::ApiVersion;
use lockgate_gate::{Duplex, Hijack, Reply, UpgradeTo, relay};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::reply::{MULTIPLEXED_STREAM, RAW_STREAM};

/// Whether the answer to a hijack carries the API's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiHeaders {
    /// As exec does.
    Sent,
    /// As attach does.
    Left,
}

/// The media type of an attached stream: clients that upgrade are told of the framing since 1.42.
pub(crate) fn content_type(version: ApiVersion, is_raw: bool, upgrades: bool) -> &'static str {
    if upgrades && version.since(42) && !is_raw {
        MULTIPLEXED_STREAM
    } else {
        RAW_STREAM
    }
}

/// Connects the client with a stream of the engine.
pub(crate) fn relayed<S>(content_type: &'static str, headers: ApiHeaders, stream: S) -> Reply
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let run = move |client: Duplex| {
        let relaying: futures_util::future::BoxFuture<'static, ()> = Box::pin(async move {
            if let Err(error) = relay(client, stream).await {
                tracing::debug!(%error, "an attached stream ended early");
            }
        });
        relaying
    };
    hijack(content_type, headers, Box::new(run))
}

/// Sends a few bytes and closes.
pub(crate) fn last_words(content_type: &'static str, headers: ApiHeaders, words: Vec<u8>) -> Reply {
    let run = move |mut client: Duplex| {
        let speaking: futures_util::future::BoxFuture<'static, ()> = Box::pin(async move {
            let spoken = async {
                client.write_all(&words).await?;
                client.shutdown().await
            };
            if let Err(error) = spoken.await {
                tracing::debug!(%error, "the client left before the last words");
            }
        });
        speaking
    };
    hijack(content_type, headers, Box::new(run))
}

/// Switches to a WebSocket whose frames `run` reads and writes.
pub(crate) fn websocket<F>(accept: String, run: impl FnOnce(Duplex) -> F + Send + 'static) -> Reply
where
    F: Future<Output = ()> + Send + 'static,
{
    Reply::Hijack(Hijack {
        content_type: RAW_STREAM,
        protocol: UpgradeTo::WebSocket { accept },
        api_headers: false,
        run: Box::new(move |client| Box::pin(run(client))),
    })
}

type Run = Box<dyn FnOnce(Duplex) -> futures_util::future::BoxFuture<'static, ()> + Send>;

fn hijack(content_type: &'static str, headers: ApiHeaders, run: Run) -> Reply {
    let api_headers = headers == ApiHeaders::Sent;
    Reply::Hijack(Hijack {
        content_type,
        protocol: UpgradeTo::Tcp,
        api_headers,
        run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_announced_to_those_who_upgrade_since_1_42() {
        let (new, old) = (ApiVersion::new(1, 42), ApiVersion::new(1, 41));
        assert_eq!(content_type(new, false, true), MULTIPLEXED_STREAM);
        assert_eq!(content_type(new, true, true), RAW_STREAM);
        assert_eq!(content_type(new, false, false), RAW_STREAM);
        assert_eq!(content_type(old, false, true), RAW_STREAM);
    }
}
