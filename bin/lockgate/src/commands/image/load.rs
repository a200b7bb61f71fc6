//! `load`.

use std::fs::File;
use std::io::{self, Read};

use bytes::Bytes;
use futures_util::stream;

use super::super::context::Context;
use super::progress::{Shown, show};
use crate::args::LoadArgs;
use crate::config::go_error;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::stream::stdin_is_terminal;

/// Runs `load`.
pub(crate) async fn run(context: &Context, args: &LoadArgs, out: &mut Output) -> Outcome {
    let source = match args.input.as_deref().filter(|path| !path.is_empty()) {
        Some(path) => open(path)?,
        None if stdin_is_terminal() => {
            return Err(Failure::new(
                "requested load from stdin, but stdin is empty",
            ));
        }
        None => Box::new(io::stdin()),
    };
    // Progress is for those who can see it move.
    let quiet = args.quiet || !out.is_terminal();
    let platform = args.platform.as_deref().map(super::platform).transpose()?;
    let call = context
        .client
        .post("/images/load")
        .query("quiet", if quiet { "1" } else { "0" })
        .maybe("platform", platform.map(|platform| platform.to_string()))
        .stream("application/x-tar", chunks(source));
    show(call.send().await?, Shown::OnStdout, out).await?;
    Ok(0)
}

/// Opens a file to be sent.
pub(super) fn open(path: &str) -> Result<Box<dyn Read + Send>, Failure> {
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::new(format!("open {path}: {}", go_error(&error)))),
    }
}

/// Reads on a thread of its own, so that the connection is not held up.
pub(crate) fn chunks(
    source: Box<dyn Read + Send>,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    std::thread::spawn(move || read_all(source, &sender));
    stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|part| (part, receiver))
    })
}

fn read_all(mut source: Box<dyn Read + Send>, to: &tokio::sync::mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut buffer = vec![0; 256 * 1024];
        let part = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                buffer.truncate(length);
                Ok(Bytes::from(buffer))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_over = part.is_err();
        if to.blocking_send(part).is_err() || is_over {
            return;
        }
    }
}
