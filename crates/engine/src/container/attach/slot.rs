//! A place that waits for a stream: an attachment made before the container started.

use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::net::UnixStream;

/// Waits for the shim's stream. The reading and the writing half may belong to different tasks, so
/// each leaves its own waker.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The streams that are wanted from the shim.
    pub(crate) wanted: Wanted,
    state: Mutex<State>,
}

/// Which streams are attached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

/// Which half is asking.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Half {
    Read,
    Write,
}

#[derive(Debug, Default)]
struct State {
    outcome: Outcome,
    wakers: [Option<Waker>; 2],
}

#[derive(Debug, Default)]
enum Outcome {
    #[default]
    Pending,
    Stream(UnixStream),
    /// There will be no stream.
    Nothing,
}

impl Outcome {
    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl Slot {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            state: Mutex::default(),
        }
    }

    /// Gives the stream, or `None`: there will be none.
    pub(crate) fn fill(&self, stream: Option<UnixStream>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.outcome = stream.map_or(Outcome::Nothing, Outcome::Stream);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for waker in wakers.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Takes the outcome once it is there.
    pub(crate) fn poll(&self, half: Half, context: &Context<'_>) -> Poll<Option<UnixStream>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.outcome.take() {
            Outcome::Pending => {
                state.wakers[half as usize] = Some(context.waker().clone());
                Poll::Pending
            }
            Outcome::Stream(stream) => Poll::Ready(Some(stream)),
            Outcome::Nothing => Poll::Ready(None),
        }
    }
}
