//! Copies between our standard streams and a container's.

use std::io::{self, Write};
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::demux::{Demultiplexer, Target};
use super::detach::{DetachKeys, Typed};
use super::terminal::{RawMode, stdin_is_terminal};
use crate::client::{Answer, ClientError, Hijacked};

/// How an attached session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The container has said everything.
    Output,
    /// The detach keys were typed.
    Detached,
    /// We were asked to end by this signal.
    Killed(u8),
}

impl Ended {
    /// Our exit status for an end that is not the container's.
    pub(crate) fn status(self) -> Option<u8> {
        match self {
            Self::Killed(number) => Some(number.saturating_add(128)),
            Self::Output | Self::Detached => None,
        }
    }
}

/// A session that goes on in the background, and ends with this if nobody waits for it.
#[derive(Debug)]
pub(crate) struct Running {
    task: tokio::task::JoinHandle<io::Result<Ended>>,
}

impl Running {
    /// Waits until it is over.
    pub(crate) async fn ended(&mut self) -> io::Result<Ended> {
        (&mut self.task).await.map_err(io::Error::other)?
    }

    /// Ends it now; the terminal is as it was when this returns.
    pub(crate) async fn cancel(mut self) {
        self.task.abort();
        // It was cancelled, which is no news.
        self.ended().await.map(|_ended| ()).unwrap_or_default();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An attached session.
#[derive(Debug)]
pub(crate) struct Session {
    /// Whether what we read from stdin goes there; else our half is closed at once.
    pub(crate) stdin: bool,
    /// Whether stdout is shown.
    pub(crate) stdout: bool,
    /// Whether stderr is shown.
    pub(crate) stderr: bool,
    /// Whether the container has a terminal: then ours is raw, detach keys count, and nothing is framed.
    pub(crate) terminal: bool,
    /// The detach keys.
    pub(crate) detach_keys: Vec<u8>,
    /// Whether signals go to the container; else those that end us must not leave a raw terminal.
    pub(crate) forwards_signals: bool,
}

type Stream = hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>;

impl Session {
    /// Begins to copy in the background.
    pub(crate) fn start(self, hijacked: Hijacked) -> Running {
        Running {
            task: tokio::spawn(self.run(hijacked)),
        }
    }

    /// Copies until the output ends or the user detaches.
    async fn run(self, hijacked: Hijacked) -> io::Result<Ended> {
        let wants_raw = self.terminal && self.stdin && stdin_is_terminal();
        let killed = last_signal(wants_raw && !self.forwards_signals);
        let raw = if wants_raw {
            Some(RawMode::enter()?)
        } else {
            None
        };
        let (from, to) = tokio::io::split(hijacked.stream);
        let framed = hijacked.multiplexed.unwrap_or(!self.terminal);
        let keys = if self.terminal {
            self.detach_keys.clone()
        } else {
            Vec::new()
        };
        let input = send_input(to, self.stdin, DetachKeys::new(keys));
        let output = self.show_output(from, framed);
        tokio::pin!(input, output, killed);
        let mut input_is_open = true;
        let ended = loop {
            tokio::select! {
                result = &mut output => break result.map(|()| Ended::Output),
                detached = &mut input, if input_is_open => {
                    input_is_open = false;
                    if detached {
                        break Ok(Ended::Detached);
                    }
                }
                number = &mut killed => break Ok(Ended::Killed(number)),
            }
        };
        drop(raw);
        ended
    }

    async fn show_output(&self, mut from: ReadHalf<Stream>, framed: bool) -> io::Result<()> {
        let mut shown = Shown::new(framed, self.stdout, self.stderr);
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let length = match from.read(&mut buffer).await {
                Ok(0) => return shown.end(),
                Ok(length) => length,
                // A server that is killed tears the connection down: nothing more will come.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return shown.end(),
                Err(error) => return Err(error),
            };
            shown.feed(buffer.get(..length).unwrap_or_default())?;
        }
    }
}

/// Copies a log to stdout and stderr.
pub(crate) async fn copy_logs(mut answer: Answer, framed: bool) -> Result<(), ClientError> {
    let mut shown = Shown::new(framed, true, true);
    while let Some(bytes) = answer.chunk().await? {
        shown.feed(&bytes)?;
    }
    Ok(shown.end()?)
}

/// What a container says, on our streams.
struct Shown {
    demultiplexer: Option<Demultiplexer>,
    stdout: bool,
    stderr: bool,
}

impl Shown {
    fn new(framed: bool, stdout: bool, stderr: bool) -> Self {
        Self {
            demultiplexer: framed.then(Demultiplexer::default),
            stdout,
            stderr,
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let Some(demultiplexer) = &mut self.demultiplexer else {
            out.write_all(bytes)?;
            return out.flush();
        };
        let (stdout, stderr) = (self.stdout, self.stderr);
        demultiplexer.feed(bytes, |target, payload| match target {
            Target::Out if stdout => out.write_all(payload),
            Target::Err if stderr => {
                out.flush()?;
                io::stderr().write_all(payload)
            }
            Target::System => Err(io::Error::other(format!(
                "error from daemon in stream: {}",
                String::from_utf8_lossy(payload)
            ))),
            Target::Out | Target::Err => Ok(()),
        })?;
        out.flush()
    }

    fn end(&self) -> io::Result<()> {
        match &self.demultiplexer {
            Some(demultiplexer) if !demultiplexer.is_at_boundary() => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "unexpected EOF",
            )),
            _ => Ok(()),
        }
    }
}

/// Waits for a signal that would end us. It listens from the first line on, so that a signal is
/// not lost between raw mode and the first wait. Never ready if that is not wanted.
fn last_signal(wanted: bool) -> impl Future<Output = u8> {
    let numbers: &[u8] = if wanted { &[1, 2, 3, 15] } else { &[] };
    let open = |number: &u8| {
        Some((
            *number,
            signal(SignalKind::from_raw((*number).into())).ok()?,
        ))
    };
    let mut streams: Vec<(u8, Signal)> = numbers.iter().filter_map(open).collect();
    std::future::poll_fn(move |cx| {
        let ready = streams
            .iter_mut()
            .find_map(|(number, stream)| stream.poll_recv(cx).is_ready().then_some(*number));
        ready.map_or(Poll::Pending, Poll::Ready)
    })
}

/// Sends stdin, then closes our half. Says whether the user detached.
async fn send_input(mut to: WriteHalf<Stream>, wanted: bool, mut keys: DetachKeys) -> bool {
    if wanted {
        let mut typed = read_stdin();
        while let Some(bytes) = typed.recv().await {
            let (bytes, is_over) = match keys.feed(&bytes) {
                Typed::Send(bytes) => (bytes, false),
                Typed::Detach(bytes) => (bytes, true),
            };
            // A container that does not listen any more still has something to say.
            if to.write_all(&bytes).await.is_err() || to.flush().await.is_err() {
                return is_over;
            }
            if is_over {
                return true;
            }
        }
    }
    to.shutdown().await.unwrap_or_default();
    false
}

/// Reads stdin on a thread of its own, which nobody waits for at the end.
fn read_stdin() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        // Without std's buffer: what is typed goes out at once.
        while let Ok(length) =
            rustix::io::retry_on_intr(|| rustix::io::read(io::stdin(), &mut buffer))
        {
            let part = buffer.get(..length).unwrap_or_default().to_vec();
            if part.is_empty() || sender.blocking_send(part).is_err() {
                break;
            }
        }
    });
    receiver
}
