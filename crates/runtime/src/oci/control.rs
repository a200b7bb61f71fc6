//! `start`, `kill`, `delete`, `pause`, `resume`, and what this runtime does not do.

use std::os::fd::{AsFd as _, OwnedFd};

use lockgate_types::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use super::args::{Args, Option as Flag, Words, words};
use super::store::{Place, Record, Status};
use super::{Global, OciError, failed};
use crate::cgroup::Cgroup;
use crate::create::{CreateError, HookError, Moment};

/// `start ID`
pub(super) fn start(global: &Global, args: Args) -> Result<u8, OciError> {
    let (_, words) = take(args, &[], "start", Words::Exactly(1))?;
    start_by_id(global, first(&words))?;
    Ok(0)
}

/// Lets the init of a created container go on.
pub(super) fn start_by_id(global: &Global, id: &str) -> Result<(), OciError> {
    let place = Place::of(global, id)?;
    let record = place.read()?;
    match place.status(&record) {
        Status::Created => {}
        Status::Stopped => return Err(OciError::Stopped),
        Status::Running | Status::Paused => return Err(OciError::Running),
    }
    open_gate(&place)?;
    let hooks = record.hooks();
    if let Err(error) = hooks.run(Moment::Poststart, record.pid) {
        // The container is stopped; its removal is left to `delete`.
        drop(signal_init(&record, SIGKILL));
        return Err(CreateError::from(error).into());
    }
    Ok(())
}

/// Lets the init run its program, and waits until it does: then it has closed its end.
fn open_gate(place: &Place) -> Result<(), OciError> {
    let open = |access| {
        let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(place.fifo(), flags, Mode::empty()).map_err(failed("opening exec fifo"))
    };
    let answer = open(OFlags::RDONLY)?;
    let fifo = open(OFlags::WRONLY)?;
    rustix::io::write(&fifo, b"0").map_err(failed("writing exec fifo"))?;
    drop(fifo);
    std::fs::remove_file(place.fifo()).map_err(failed("removing exec fifo"))?;
    let mut handle = [PollFd::new(&answer, PollFlags::empty())];
    rustix::io::retry_on_intr(|| poll(&mut handle, None)).map_err(failed("waiting"))?;
    let mut text = [0; 4096];
    match rustix::io::read(&answer, &mut text).map_err(failed("reading exec fifo"))? {
        0 => Ok(()),
        count => Err(OciError::StartRefused(
            String::from_utf8_lossy(text.get(..count).unwrap_or(&[])).into_owned(),
        )),
    }
}

/// `kill [--all] ID [SIGNAL]`
pub(super) fn kill(global: &Global, args: Args) -> Result<u8, OciError> {
    let known = [Flag::plain("all", Some('a'))];
    let (flags, words) = take(args, &known, "kill", Words::AtLeast(1))?;
    let place = Place::of(global, first(&words))?;
    let record = place.read()?;
    let signal = match words.get(1).map_or("TERM", String::as_str) {
        // Sends nothing, and tells whether there is somebody to send to.
        "0" => 0,
        name => {
            let unknown = |_| OciError::UnknownSignal(name.to_owned());
            name.parse::<Signal>().map_err(unknown)?.number()
        }
    };
    if flags.contains(&"all") {
        for pid in Cgroup::open(&record.cgroup)?.procs()? {
            // It may have ended meanwhile.
            drop(lockgate_sys::signal::send(pid, signal));
        }
        return Ok(0);
    }
    signal_init(&record, signal)?;
    Ok(0)
}

fn signal_init(record: &Record, signal: i32) -> Result<(), OciError> {
    let init = record.open_init()?;
    lockgate_sys::signal::send_to_handle(init.as_fd(), signal).map_err(failed("kill"))
}

/// `delete [--force] ID`
pub(super) fn delete(global: &Global, args: Args) -> Result<u8, OciError> {
    let known = [Flag::plain("force", Some('f'))];
    let (flags, words) = take(args, &known, "delete", Words::Exactly(1))?;
    let force = flags.contains(&"force");
    let place = Place::of(global, first(&words))?;
    let record = match place.read() {
        Err(OciError::NotFound) if force => {
            // A creation that was cut off has no state.
            drop(place.remove());
            return Ok(0);
        }
        result => result?,
    };
    match place.status(&record) {
        Status::Stopped | Status::Created => {}
        _ if force => {}
        status => {
            let id = first(&words).to_owned();
            return Err(OciError::NotStopped(id, status.name()));
        }
    }
    for failure in remove(&place)? {
        global.warn(&failure.to_string());
    }
    Ok(0)
}

/// Ends what still runs, removes what is left of a container, and runs its last hooks, whose failures it
/// returns.
pub(super) fn remove(place: &Place) -> Result<Vec<HookError>, OciError> {
    let record = place.read()?;
    let cgroup = Cgroup::open(&record.cgroup)?;
    if let Ok(init) = record.open_init() {
        // Frozen processes do not die.
        drop(cgroup.thaw());
        lockgate_sys::signal::send_to_handle(init.as_fd(), 9).map_err(failed("kill"))?;
        wait_for_end(&init);
    }
    for pid in cgroup.procs().unwrap_or_default() {
        drop(lockgate_sys::signal::send(pid, 9));
    }
    cgroup.delete()?;
    place.remove()?;
    Ok(record.hooks().run_all(Moment::Poststop, 0))
}

/// `pause ID` and `resume ID`
pub(super) fn set_paused(global: &Global, args: Args, paused: bool) -> Result<u8, OciError> {
    let command = if paused { "pause" } else { "resume" };
    let (_, words) = take(args, &[], command, Words::Exactly(1))?;
    let place = Place::of(global, first(&words))?;
    let record = place.read()?;
    let cgroup = Cgroup::open(&record.cgroup)?;
    match (place.status(&record), paused) {
        (Status::Running | Status::Created, true) => cgroup.freeze()?,
        (Status::Paused, false) => cgroup.thaw()?,
        (_, true) => return Err(OciError::NotRunning),
        (_, false) => return Err(OciError::NotPaused),
    }
    Ok(0)
}

/// `checkpoint ID` and `restore ID`, which other runtimes do with CRIU.
pub(super) fn refuse_checkpoint(command: &'static str) -> Result<u8, OciError> {
    Err(OciError::Checkpoint(command))
}

/// Waits ten seconds at most.
fn wait_for_end(process: &OwnedFd) {
    let patience = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    let mut descriptors = [PollFd::new(process, PollFlags::IN)];
    crate::reason::ignore(poll(&mut descriptors, Some(&patience)));
}

/// Flags that were given, and words.
fn take(
    mut args: Args,
    known: &[Flag],
    command: &'static str,
    wanted: Words,
) -> Result<(Vec<&'static str>, Vec<String>), OciError> {
    let mut flags = Vec::new();
    while let Some(flag) = args.flag(known)? {
        flags.push(flag.name);
    }
    Ok((flags, words(command, args.rest(), wanted)?))
}

fn first(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}

const SIGKILL: i32 = 9;
