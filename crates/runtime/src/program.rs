//! Running a program of the host to its end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use lockgate_sys::process::Spawn;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use crate::reason::ignore;

/// What to run, and what it is given.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    /// The executable; no search in `PATH`.
    pub(crate) path: &'a Path,
    /// With the program's name as the first.
    pub(crate) args: &'a [String],
    /// The whole environment.
    pub(crate) environment: &'a [String],
    /// Its standard input.
    pub(crate) input: &'a [u8],
    /// For how long it may run; then it is killed.
    pub(crate) seconds: Option<i64>,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if its time was over.
    pub(crate) status: Option<WaitStatus>,
    output: File,
    error: File,
}

impl Program<'_> {
    /// Runs it. Its streams are files in memory rather than pipes: whoever keeps an output open after its
    /// end delays nobody, and no size of input or output blocks.
    pub(crate) fn run(&self) -> io::Result<Ended> {
        let (mut input, output, error) = (memory()?, memory()?, memory()?);
        input.write_all(self.input)?;
        input.rewind()?;
        let args: Vec<&OsStr> = self.args.iter().skip(1).map(OsStr::new).collect();
        let environment: Vec<&OsStr> = self.environment.iter().map(OsStr::new).collect();
        let spawned = Spawn {
            program: self.path,
            name: self.args.first().map_or(self.path, Path::new),
            args: &args,
            environment: &environment,
            descriptors: &[(input.as_fd(), 0), (output.as_fd(), 1), (error.as_fd(), 2)],
            new_session: false,
        };
        let named = |source: io::Error| {
            io::Error::new(source.kind(), format!("{}: {source}", self.path.display()))
        };
        let spawned = spawned.start().map_err(named)?;
        let in_time = self.in_time(&spawned.pidfd);
        if !in_time {
            ignore(lockgate_sys::signal::send_to_handle(
                spawned.pidfd.as_fd(),
                9,
            ));
        }
        let pid = Pid::from_raw(spawned.pid);
        let status = rustix::io::retry_on_intr(|| waitpid(pid, WaitOptions::empty()))?;
        Ok(Ended {
            status: status.map(|(_, status)| status).filter(|_| in_time),
            output,
            error,
        })
    }

    fn in_time(&self, process: &std::os::fd::OwnedFd) -> bool {
        let Some(tv_sec) = self.seconds else {
            return true;
        };
        let patience = Timespec { tv_sec, tv_nsec: 0 };
        let mut handle = [PollFd::new(process, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut handle, Some(&patience))) != Ok(0)
    }
}

impl Ended {
    /// What it wrote, up to a size.
    pub(crate) fn stdout(&self, most: u64) -> io::Result<String> {
        text(&self.output, most)
    }

    /// What it wrote as errors, up to a size.
    pub(crate) fn stderr(&self, most: u64) -> io::Result<String> {
        text(&self.error, most)
    }
}

fn memory() -> io::Result<File> {
    Ok(memfd_create("program", MemfdFlags::CLOEXEC)?.into())
}

fn text(mut file: &File, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
