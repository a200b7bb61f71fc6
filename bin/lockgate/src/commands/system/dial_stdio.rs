//! `system dial-stdio`: the far end of `-H ssh://…`.

use std::io::{self, Read, Write};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::super::context::Context;
use crate::failure::Outcome;

/// Runs `system dial-stdio`: bytes in both directions, until the daemon has said everything.
pub(crate) async fn run(context: &Context) -> Outcome {
    let (mut from, mut to) = tokio::io::split(context.client.raw().await?);
    let mut typed = read_stdin();
    let sender = tokio::spawn(async move {
        while let Some(bytes) = typed.recv().await {
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        to.shutdown().await.unwrap_or_default();
    });
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        let mut out = io::stdout().lock();
        out.write_all(buffer.get(..length).unwrap_or_default())?;
        out.flush()?;
    }
    sender.abort();
    Ok(0)
}

fn read_stdin() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(length) = io::stdin().read(&mut buffer) {
            let part = buffer.get(..length).unwrap_or_default().to_vec();
            if part.is_empty() || sender.blocking_send(part).is_err() {
                break;
            }
        }
    });
    receiver
}
