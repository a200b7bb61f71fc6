//! Staying with a process: its terminal is ours, our signals are its.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use super::{OciError, failed};

/// Catches the signals that are passed on, and the end of children.
pub(super) fn catch_signals() -> Result<OwnedFd, OciError> {
    lockgate_sys::signal::signal_descriptor(&CAUGHT).map_err(failed("catching signals"))
}

/// Serves a process until it ends; returns its exit code, 128 and the signal's number for a signal.
pub(super) fn stay(
    pidfd: &OwnedFd,
    pid: i32,
    terminal: Option<OwnedFd>,
    signals: &OwnedFd,
) -> Result<u8, OciError> {
    let terminal = terminal.map(Terminal::take_over);
    let mut input_open = terminal.is_some();
    loop {
        let mut descriptors = vec![PollFd::new(signals, PollFlags::IN)];
        if let Some(terminal) = &terminal {
            descriptors.push(PollFd::new(&terminal.master, PollFlags::IN));
            if input_open {
                descriptors.push(PollFd::from_borrowed_fd(stdin(), PollFlags::IN));
            }
        }
        match poll(&mut descriptors, None) {
            Err(Errno::INTR) => continue,
            result => result.map_err(failed("waiting"))?,
        };
        let ready: Vec<bool> = descriptors
            .iter()
            .map(|d| !d.revents().is_empty())
            .collect();
        drop(descriptors);
        let is_ready = |index: usize| ready.get(index).copied().unwrap_or(false);
        if let Some(terminal) = &terminal {
            if is_ready(1) {
                terminal.copy(terminal.master.as_fd(), stdout());
            }
            if is_ready(2) {
                input_open = terminal.copy(stdin(), terminal.master.as_fd());
            }
        }
        if is_ready(0)
            && pass_on(pidfd, terminal.as_ref(), signals)
            && let Some(code) = exit_code(pid)?
        {
            if let Some(terminal) = &terminal {
                while terminal.has_output() && terminal.copy(terminal.master.as_fd(), stdout()) {}
            }
            return Ok(code);
        }
    }
}

/// Passes signals on; returns whether a child has ended.
fn pass_on(pidfd: &OwnedFd, terminal: Option<&Terminal>, signals: &OwnedFd) -> bool {
    let mut ended = false;
    for signal in lockgate_sys::signal::pending(signals).unwrap_or_default() {
        match (signal, terminal) {
            (SIGCHLD, _) => ended = true,
            (SIGWINCH, Some(terminal)) => terminal.take_size(),
            // It may have ended meanwhile.
            _ => drop(lockgate_sys::signal::send_to_handle(pidfd.as_fd(), signal)),
        }
    }
    ended
}

fn exit_code(pid: i32) -> Result<Option<u8>, OciError> {
    let status = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG).map_err(failed("waiting"))?;
    Ok(status.map(|(_, status)| {
        let code = status.exit_status();
        let code = code.or_else(|| status.terminating_signal().map(|signal| 128 + signal));
        u8::try_from(code.unwrap_or(255)).unwrap_or(255)
    }))
}

/// The process's terminal, with ours turned into a mere wire to it while this lives.
struct Terminal {
    master: OwnedFd,
    before: Option<Termios>,
}

impl Terminal {
    fn take_over(master: OwnedFd) -> Self {
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            // Without it the terminal echoes twice, no more.
            crate::reason::ignore(tcsetattr(stdin(), OptionalActions::Now, &raw));
        }
        let terminal = Self { master, before };
        terminal.take_size();
        terminal
    }

    /// Gives the process's terminal the size of ours.
    fn take_size(&self) {
        if let Ok(size) = tcgetwinsize(stdin()) {
            crate::reason::ignore(tcsetwinsize(&self.master, size));
        }
    }

    fn has_output(&self) -> bool {
        use rustix::event::Timespec;
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&now)).is_ok_and(|n| n > 0)
    }

    /// Carries what is there at the moment; `false` at the end.
    #[expect(clippy::unused_self, reason = "only a terminal is copied like this")]
    fn copy(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> bool {
        let mut buffer = [0; 4096];
        let Ok(count) = rustix::io::read(from, &mut buffer) else {
            return false;
        };
        let mut rest = buffer.get(..count).unwrap_or(&[]);
        while !rest.is_empty() {
            match rustix::io::write(to, rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or(&[]),
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        count > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            crate::reason::ignore(tcsetattr(stdin(), OptionalActions::Now, before));
        }
    }
}

const SIGCHLD: i32 = 17;
const SIGWINCH: i32 = 28;
/// HUP, INT, QUIT, USR1, USR2, TERM, CHLD, CONT, WINCH.
const CAUGHT: [i32; 9] = [1, 2, 3, 10, 12, 15, SIGCHLD, 18, SIGWINCH];
