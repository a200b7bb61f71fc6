//! Talking to shims: starting one, the control connection, connections that become streams.

mod link;
mod spawn;

use std::io;
use std::path::Path;

use lockgate_runtime::protocol::{
    MAX_FRAME, ProtocolError, Reply, Request, ShimFailure, decode, encode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

pub(crate) use link::{Link, LinkEvent};
pub(crate) use spawn::{Shim, pidfd, spawn};

/// A conversation with a shim failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShimError {
    /// The shim cannot be reached, or hung up.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The shim says what this side does not understand.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The shim says no.
    #[error("{}", .0.message)]
    Failed(ShimFailure),
    /// The shim answers something else than what was asked.
    #[error("unexpected answer")]
    Unexpected,
}

/// Connects to a shim and sends `request`, whose answer turns the connection into a stream.
pub(crate) async fn open_stream(
    socket: &Path,
    request: &Request,
) -> Result<(Reply, UnixStream), ShimError> {
    let mut stream = connect(socket)?;
    stream.write_all(&encode(request)?).await?;
    let reply = read_reply(&mut stream).await?;
    Ok((reply, stream))
}

/// Connects to a shim's socket, also where the roots have long names.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    let stream = lockgate_sys::socket_path::connect(socket)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Connects to a shim for one request.
pub(crate) async fn ask(socket: &Path, request: &Request) -> Result<Reply, ShimError> {
    Ok(open_stream(socket, request).await?.0)
}

/// Reads one frame and not a byte more: what follows belongs to the stream.
async fn read_reply(stream: &mut UnixStream) -> Result<Reply, ShimError> {
    let length = stream.read_u32_le().await? as usize;
    if length == 0 || length > MAX_FRAME {
        return Err(ProtocolError::Length(length).into());
    }
    let mut json = vec![0; length];
    stream.read_exact(&mut json).await?;
    match decode(&json)? {
        Reply::Failed(failure) => Err(ShimError::Failed(failure)),
        reply => Ok(reply),
    }
}
