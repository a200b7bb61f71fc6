//! Both ends of the standard streams of a new process.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::super::task::{Streams, TheirEnds};
use super::{RequestError, system};
use crate::create::NullStdio;

/// Pipes, unless there is to be a terminal.
pub(super) fn open_streams(
    terminal: bool,
    with_input: bool,
) -> Result<(Streams, Option<TheirEnds>), RequestError> {
    if terminal {
        return Ok((Streams::default(), None));
    }
    let (ours, theirs) = Streams::pipes(with_input).map_err(system("making pipes"))?;
    Ok((ours, Some(theirs)))
}

pub(super) fn stdio<'a>(
    null: &'a NullStdio,
    theirs: Option<&'a TheirEnds>,
    wanted: [bool; 2],
) -> [BorrowedFd<'a>; 3] {
    let or_null = |fd: Option<&'a OwnedFd>| fd.map_or_else(|| null.as_fd(), |fd| fd.as_fd());
    let output = theirs.map(|ends| &ends.output).filter(|_| wanted[0]);
    let error = theirs.map(|ends| &ends.error).filter(|_| wanted[1]);
    [
        or_null(theirs.and_then(|ends| ends.input.as_ref())),
        or_null(output),
        or_null(error),
    ]
}

/// A terminal's size, unless it is left at nothing.
pub(super) fn window(terminal: bool, [height, width]: [u32; 2]) -> Option<(u16, u16)> {
    let size = (u16::try_from(height).ok()?, u16::try_from(width).ok()?);
    (terminal && size != (0, 0)).then_some(size)
}

/// The terminal in place of the pipes, if there is one.
pub(super) fn with_terminal(
    pipes: Streams,
    master: Option<OwnedFd>,
    window: Option<(u16, u16)>,
) -> Result<Streams, RequestError> {
    let Some(master) = master else {
        return Ok(pipes);
    };
    let streams = Streams::terminal(master).map_err(system("opening the terminal"))?;
    if let Some((height, width)) = window {
        streams
            .resize(height, width)
            .map_err(system("sizing the terminal"))?;
    }
    Ok(streams)
}
