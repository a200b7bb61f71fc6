//! A client's stream and one of the backend's, connected.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::backend::Duplex;

/// Copies both ways until the backend's side has said everything. The client closing its writing
/// side is the end of input and of nothing else; once it has left, nobody is there to be told more.
pub async fn relay<S: AsyncRead + AsyncWrite>(mut client: Duplex, stream: S) -> io::Result<()> {
    let gone = client.take_gone();
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut output, mut input) = tokio::io::split(stream);
    let inward = async {
        let copied = copy(&mut from_client, &mut input).await;
        // Input that nobody reads any more is no reason to stop the output.
        let closed = input.shutdown().await;
        if let Err(error) = copied.and(closed) {
            tracing::trace!(%error, "input ended early");
        }
        gone.await;
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

/// Copies in pieces as large as a pipe holds, flushing each: terminals are slow typists.
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
