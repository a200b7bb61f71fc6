//! `GET /containers/{id}/attach/ws`

use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use lockgate_api::stdcopy::Decoder;
use lockgate_engine::{AttachQuery, AttachStream};
use lockgate_gate::{Duplex, Reply, websocket};
use lockgate_types::ErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::ask::Ask;
use crate::error::Failure;
use crate::hijack;

/// Both streams are one here: messages have no room for their names.
pub(crate) async fn attach_websocket(ask: &Ask) -> Result<Reply, Failure> {
    let accept = match websocket::accept(ask.headers()) {
        Ok(accept) => accept,
        Err(error) => {
            // That there is no such container is the more useful answer.
            ask.engine.containers().inspect(ask.name(), false).await?;
            return Err(Failure::new(ErrorKind::InvalidInput, error.to_string()));
        }
    };
    let query = ask.query();
    // Before 1.42 all streams are attached, whatever is asked for.
    let wants = |stream: &str| ask.version().before(42) || query.flag(stream);
    let keys = query.get("detachKeys").filter(|keys| !keys.is_empty());
    let wanted = AttachQuery {
        logs: query.flag("logs"),
        stream: query.flag("stream"),
        stdin: wants("stdin"),
        stdout: wants("stdout"),
        stderr: wants("stderr"),
        detach_keys: keys.map(str::to_owned),
    };
    let stream = ask.engine.containers().attach(ask.name(), wanted).await?;
    let form = if ask.version().before(28) {
        Form::Text
    } else {
        Form::Binary
    };
    Ok(hijack::websocket(accept, move |client| {
        converse(client, stream, form)
    }))
}

/// What output is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Binary,
    Text,
}

impl Form {
    fn message(self, bytes: Vec<u8>) -> Message {
        match self {
            Self::Binary => Message::binary(bytes),
            // A text message is UTF-8 by definition.
            Self::Text => Message::text(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// Copies both ways until one side has said everything, then says goodbye.
async fn converse(client: Duplex, stream: AttachStream, form: Form) {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let is_raw = stream.is_raw();
    let socket = WebSocketStream::from_raw_socket(client, Role::Server, Some(limits)).await;
    let (mut to_client, mut from_client) = socket.split();
    let (mut output, mut input) = tokio::io::split(stream);
    let inward = async {
        let mut ended = Ok(());
        while let Some(message) = from_client.next().await {
            let bytes = match message {
                Ok(Message::Binary(bytes)) => bytes,
                Ok(Message::Text(text)) => text.into(),
                // Pings are answered by the library, a close when the next message is waited for.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                    continue;
                }
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            if input.write_all(&bytes).await.is_err() {
                // Input that nobody reads any more is no reason to stop the output.
                std::future::pending::<()>().await;
            }
        }
        input.shutdown().await.unwrap_or_default();
        ended
    };
    let outward = async {
        let mut decoder = Decoder::default();
        let mut buffer = vec![0; PIECE];
        loop {
            let length = output.read(&mut buffer).await?;
            let piece = buffer.get(..length).unwrap_or_default();
            if piece.is_empty() {
                return Ok::<(), Error>(());
            }
            for payload in payloads(&mut decoder, piece, is_raw)? {
                to_client.send(form.message(payload)).await?;
            }
        }
    };
    let ended = tokio::select! {
        biased;
        ended = outward => ended,
        ended = inward => ended,
    };
    let code = match &ended {
        Ok(()) => CloseCode::Normal,
        Err(Error::Capacity(_)) => CloseCode::Size,
        Err(Error::Utf8(_)) => CloseCode::Invalid,
        Err(Error::Protocol(_)) => CloseCode::Protocol,
        Err(_) => CloseCode::Away,
    };
    let frame = CloseFrame {
        code,
        reason: "".into(),
    };
    if let Err(error) = to_client.send(Message::Close(Some(frame))).await {
        tracing::trace!(%error, "the client left before the goodbye");
    }
}

/// What is in the frames of both streams, in order.
fn payloads(decoder: &mut Decoder, piece: &[u8], is_raw: bool) -> io::Result<Vec<Vec<u8>>> {
    if is_raw {
        return Ok(vec![piece.to_vec()]);
    }
    let mut payloads = Vec::new();
    decoder
        .decode(piece, |_stream, payload| payloads.push(payload.to_vec()))
        .map_err(io::Error::other)?;
    Ok(payloads)
}

/// What a client may send in one message; terminals send keys.
const MAX_MESSAGE: usize = 1 << 20;
const PIECE: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use lockgate_api::stdcopy::{Stream, frame};

    use super::*;

    #[test]
    fn frames_are_taken_apart_wherever_they_are_cut() {
        let bytes = [frame(Stream::Stdout, b"out"), frame(Stream::Stderr, b"err")].concat();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let mut decoder = Decoder::default();
            let mut all = payloads(&mut decoder, first, false).unwrap();
            all.extend(payloads(&mut decoder, second, false).unwrap());
            assert_eq!(all.concat(), b"outerr");
        }
        let raw = payloads(&mut Decoder::default(), b"raw", true).unwrap();
        assert_eq!(raw, [b"raw"]);
    }
}
