//! Where a container joins a user namespace: its own new namespaces must belong to that one, so the process that
//! makes them has to be in it first. The creating process cannot go there, since it could not come back.
//!
//! ```text
//! creating process          process between             new process
//!   clone3 ---------------->  join user (and pid)
//!                             clone3, as a sibling ----->  born there, our child
//!   <---------------- its id  exit
//! ```

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use lockgate_sys::clone::{CloneOptions, Cloned, clone3};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};

use super::Namespaces;

/// Clones the new process, by way of another if a user namespace is joined.
pub(super) fn clone(options: CloneOptions<'_>, namespaces: &Namespaces) -> io::Result<Cloned> {
    if !namespaces.joins_user() {
        return clone3(options);
    }
    let (answer, told) = pipe_with(PipeFlags::CLOEXEC)?;
    match clone3(CloneOptions::default())? {
        Cloned::Child => {
            drop(answer);
            let sibling = CloneOptions {
                sibling: true,
                ..options
            };
            let result = namespaces.go_ahead().and_then(|()| clone3(sibling));
            let number = match result {
                Ok(Cloned::Child) => return Ok(Cloned::Child),
                Ok(Cloned::Parent { pid, .. }) => pid,
                Err(error) => -error.raw_os_error().unwrap_or(i32::MAX),
            };
            // Without a word the creating process fails as well.
            let written = File::from(told).write_all(&number.to_ne_bytes());
            lockgate_sys::process::exit_now(i32::from(written.is_err()))
        }
        Cloned::Parent { pid: between, .. } => {
            drop(told);
            let number = hear(answer);
            if let Some(between) = Pid::from_raw(between) {
                waitpid(Some(between), WaitOptions::empty())?;
            }
            let pid = number?;
            let process = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
            let pidfd = pidfd_open(process, PidfdFlags::empty())?;
            Ok(Cloned::Parent { pid, pidfd })
        }
    }
}

/// The new process's id, or why there is none.
fn hear(answer: OwnedFd) -> io::Result<i32> {
    let mut bytes = [0; 4];
    File::from(answer).read_exact(&mut bytes)?;
    match i32::from_ne_bytes(bytes) {
        number if number < 0 => Err(io::Error::from_raw_os_error(-number)),
        number => Ok(number),
    }
}
