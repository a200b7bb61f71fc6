//! The terminal we were started in.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{self, OptionalActions, Termios};

/// Whether stdin is a terminal.
pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Whether stdout is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Rows and columns of the terminal behind stdout; zero if there is none.
pub(crate) fn window_size() -> (u16, u16) {
    termios::tcgetwinsize(io::stdout()).map_or((0, 0), |size| (size.ws_row, size.ws_col))
}

/// The mode to go back to, while stdin is raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Stdin in raw mode, until dropped.
#[derive(Debug)]
pub(super) struct RawMode;

impl RawMode {
    /// Switches to raw mode.
    pub(super) fn enter() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let guard = Self;
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(guard)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was found, for those who leave without unwinding.
pub(super) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // The terminal may be gone by now, and then nobody misses its mode.
        termios::tcsetattr(io::stdin(), OptionalActions::Drain, &before).unwrap_or_default();
    }
}
