//! Connections that become byte streams.

use std::io;

use lockgate_api::ApiVersion;
use lockgate_gate::{Duplex, Hijack, Reply, UpgradeTo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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

/// Copies both ways until the engine's side has said everything. The client closing its writing
/// side is the end of input and of nothing else.
async fn relay<S: AsyncRead + AsyncWrite>(client: Duplex, stream: S) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut output, mut input) = tokio::io::split(stream);
    let inward = async {
        let copied = copy(&mut from_client, &mut input).await;
        // Input that nobody reads any more is no reason to stop the output.
        let closed = input.shutdown().await;
        if let Err(error) = copied.and(closed) {
            tracing::trace!(%error, "input ended early");
        }
        std::future::pending::<()>().await;
    };
    let outward = async {
        copy(&mut output, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::select! {
        biased;
        result = outward => result,
        () = inward => Ok(()),
    }
}

/// Copies in pieces as large as the shim writes them, flushing each: terminals are slow typists.
async fn copy<R, W>(reader: &mut R, writer: &mut W) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; PIECE];
    loop {
        let length = reader.read(&mut buffer).await?;
        let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else {
            return Ok(());
        };
        writer.write_all(piece).await?;
        writer.flush().await?;
    }
}

const PIECE: usize = 64 * 1024;

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

    #[tokio::test]
    async fn output_flows_on_after_the_client_closed_its_side() {
        let (client, ours) = tokio::io::duplex(64);
        let (engine, mut container) = tokio::io::duplex(64);
        let relaying = tokio::spawn(relay(Duplex::new(ours), engine));
        let (mut from_daemon, mut to_daemon) = tokio::io::split(client);
        to_daemon.write_all(b"in").await.unwrap();
        to_daemon.shutdown().await.unwrap();
        let mut input = Vec::new();
        container.read_to_end(&mut input).await.unwrap();
        assert_eq!(input, b"in");
        container.write_all(b"out").await.unwrap();
        drop(container);
        let mut output = Vec::new();
        from_daemon.read_to_end(&mut output).await.unwrap();
        assert_eq!(output, b"out");
        relaying.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_end_of_output_ends_it_while_the_client_still_talks() {
        let (mut client, ours) = tokio::io::duplex(64);
        let (engine, container) = tokio::io::duplex(64);
        let relaying = tokio::spawn(relay(Duplex::new(ours), engine));
        drop(container);
        let mut output = Vec::new();
        client.read_to_end(&mut output).await.unwrap();
        relaying.await.unwrap().unwrap();
    }
}
