//! The connection over which a driver controls its shim and hears of its container.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::Duration;

use lockgate_runtime::protocol::{Decoder, Reply, Request, ShimEvent, encode};
use rustix::process::{PidfdFlags, Signal};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::ShimError;

/// A connection that carries requests, their answers, and events between them.
#[derive(Debug)]
pub(crate) struct Link {
    stream: UnixStream,
    decoder: Decoder,
    events: VecDeque<ShimEvent>,
    is_broken: bool,
}

/// What a link tells.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// Something happened in the container.
    Shim(ShimEvent),
    /// The shim is gone, or talks nonsense.
    Lost,
}

impl Link {
    /// Takes over one end of a connection.
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            events: VecDeque::new(),
            is_broken: false,
        }
    }

    /// Connects to a shim that was started by an earlier engine.
    pub(crate) async fn connect(socket: &Path) -> Result<Self, ShimError> {
        let mut link = Self::new(super::connect(socket)?);
        match link.request(&Request::Watch).await? {
            Reply::Done => Ok(link),
            _ => Err(ShimError::Unexpected),
        }
    }

    /// Kills the shim at the other end.
    pub(crate) fn kill_peer(&self) {
        let killed = rustix::net::sockopt::socket_peercred(&self.stream)
            .and_then(|peer| rustix::process::pidfd_open(peer.pid, PidfdFlags::empty()))
            .and_then(|process| rustix::process::pidfd_send_signal(process, Signal::KILL));
        if let Err(error) = killed {
            tracing::debug!(%error, "cannot end a shim");
        }
    }

    /// Sends a request and waits for its answer; events that come first are kept.
    ///
    /// After a time-out the link is of no more use: an answer that comes late would be taken for that
    /// to a later request.
    pub(crate) async fn request(&mut self, request: &Request) -> Result<Reply, ShimError> {
        if self.is_broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let asking = async {
            self.stream.write_all(&encode(request)?).await?;
            loop {
                match self.next_reply().await? {
                    Reply::Event(event) => self.events.push_back(event),
                    Reply::Failed(failure) => return Err(ShimError::Failed(failure)),
                    reply => return Ok(reply),
                }
            }
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        answer.unwrap_or_else(|_late| {
            self.is_broken = true;
            Err(io::Error::from(io::ErrorKind::TimedOut).into())
        })
    }

    /// The next event. Safe to drop half way: no byte is lost.
    pub(crate) async fn next_event(&mut self) -> LinkEvent {
        if let Some(event) = self.events.pop_front() {
            return LinkEvent::Shim(event);
        }
        while !self.is_broken {
            match self.next_reply().await {
                Ok(Reply::Event(event)) => return LinkEvent::Shim(event),
                // An answer that nobody waits for any more.
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a shim hung up");
                    return LinkEvent::Lost;
                }
            }
        }
        LinkEvent::Lost
    }

    async fn next_reply(&mut self) -> Result<Reply, ShimError> {
        loop {
            if let Some(reply) = self.decoder.next_message()? {
                return Ok(reply);
            }
            self.stream.readable().await?;
            let mut buffer = [0; 4096];
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(length) => self.decoder.push(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// How long a shim may take to answer: an external runtime on a busy host may need a while, but a
/// shim that hangs must not hold up its container's driver for ever.
const PATIENCE: Duration = Duration::from_mins(2);
