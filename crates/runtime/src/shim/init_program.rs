//! The little init that `--init` puts before a container's program: passes signals on, buries orphans.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use lockgate_sys::process::Spawn;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{WaitOptions, wait};

/// Runs `command` as a child and returns its exit code (128 and the signal's number for a signal), 127
/// if there is no such program, 126 if it cannot be executed.
pub fn run(command: &[OsString]) -> u8 {
    let Some((name, args)) = command.split_first() else {
        return 127;
    };
    let signals: Vec<i32> = (1..=64).filter(|s| !NOT_OURS.contains(s)).collect();
    let Ok(signals) = lockgate_sys::signal::signal_descriptor(&signals) else {
        return 126;
    };
    let Some(program) = find(name) else {
        return 127;
    };
    let variables: Vec<OsString> = std::env::vars_os()
        .map(|(key, value)| {
            let mut variable = key;
            variable.push("=");
            variable.push(value);
            variable
        })
        .collect();
    let args: Vec<_> = args.iter().map(OsString::as_os_str).collect();
    let environment: Vec<_> = variables.iter().map(OsString::as_os_str).collect();
    let spawn = Spawn {
        program: &program,
        name: Path::new(name),
        args: &args,
        environment: &environment,
        descriptors: &[],
        new_session: false,
    };
    let Ok(child) = spawn.start() else { return 126 };
    loop {
        let mut descriptors = [PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)];
        crate::reason::ignore(poll(&mut descriptors, None));
        for signal in lockgate_sys::signal::pending(&signals).unwrap_or_default() {
            if signal != SIGCHLD {
                // It may have ended meanwhile.
                drop(lockgate_sys::signal::send_to_handle(
                    child.pidfd.as_fd(),
                    signal,
                ));
            }
        }
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid.as_raw_pid() == child.pid {
                let code = status.exit_status();
                let code = code.or_else(|| status.terminating_signal().map(|n| 128 + n));
                return u8::try_from(code.unwrap_or(255)).unwrap_or(255);
            }
        }
    }
}

fn find(name: &std::ffi::OsStr) -> Option<PathBuf> {
    use rustix::fs::{Access, access};
    if name.as_bytes().contains(&b'/') {
        return Some(name.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| crate::spec::DEFAULT_PATH.into());
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(name));
    candidates.find(|file: &PathBuf| is_file(file) && access(file, Access::EXEC_OK).is_ok())
}

fn is_file(path: &Path) -> bool {
    path.is_file()
}

const SIGCHLD: i32 = 17;
/// KILL and STOP cannot be caught, faults (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS) and terminal stops (TTIN,
/// TTOU) are this process's own, 32 and 33 belong to the C library.
const NOT_OURS: [i32; 13] = [4, 5, 6, 7, 8, 9, 11, 19, 21, 22, 31, 32, 33];
