//! A container's stdio at this end: terminal, signals, and the copying in between.

mod copy;
mod demux;
mod detach;
mod resize;
mod signals;
mod terminal;

pub(crate) use copy::{Ended, Running, Session, copy_logs};
pub(crate) use detach::parse_keys;
pub(crate) use resize::{Resizable, follow_size};
pub(crate) use signals::forward_signals;
pub(crate) use terminal::{stdin_is_terminal, stdout_is_terminal, window_size};
