//! Where a prepared process waits until it may run.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::channel::Channel;
use super::error::{InitError, Step as _};

/// Who opens the gate.
#[derive(Debug)]
pub(crate) enum Gate {
    /// The creating process, over the channel.
    Channel,
    /// Whoever writes a byte into this FIFO, which is open for both directions. Who then sees it without
    /// writers finds in it why the program was not started, or nothing.
    Fifo(OwnedFd),
}

impl Gate {
    /// The descriptor that waiting needs, besides the channel's.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Channel => None,
            Self::Fifo(fifo) => Some(fifo.as_fd()),
        }
    }

    pub(super) fn wait(&self, channel: &Channel) -> Result<(), InitError> {
        match self {
            Self::Channel => match channel.receive_letter().step("waiting for the start")? {
                Some(_) => Ok(()),
                // Nobody is left who could start it.
                None => lockgate_sys::process::exit_now(1),
            },
            Self::Fifo(fifo) => {
                let mut byte = [0];
                rustix::io::retry_on_intr(|| rustix::io::read(fifo, &mut byte))
                    .step("waiting for the start")?;
                Ok(())
            }
        }
    }

    /// Tells whoever opened the gate why the program does not run after all.
    pub(super) fn refuse(&self, reason: &InitError) {
        // Over the channel it is told with every other failure.
        if let Self::Fifo(fifo) = self {
            let text = reason.to_string();
            crate::reason::ignore(rustix::io::write(fifo, text.as_bytes()));
        }
    }
}
