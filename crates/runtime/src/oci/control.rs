//! `start`, `kill`, `delete`, `pause` and `resume`.

use std::os::fd::{AsFd as _, OwnedFd};

use lockgate_types::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use super::args::{Args, Option as Flag};
use super::store::{Place, Status};
use super::{Global, OciError, failed};
use crate::cgroup::Cgroup;

/// `start ID`
pub(super) fn start(global: &Global, args: Args) -> Result<u8, OciError> {
    let (_, words) = take(args, &[], "start")?;
    start_by_id(global, first(&words))?;
    Ok(0)
}

/// Lets the init of a created container go on.
pub(super) fn start_by_id(global: &Global, id: &str) -> Result<(), OciError> {
    let place = Place::of(global, id)?;
    match place.status(&place.read()?) {
        Status::Created => {}
        Status::Stopped => return Err(OciError::Stopped),
        Status::Running | Status::Paused => return Err(OciError::Running),
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fifo = rustix::fs::open(place.fifo(), flags, Mode::empty());
    let fifo = fifo.map_err(failed("opening exec fifo"))?;
    rustix::io::write(&fifo, b"0").map_err(failed("writing exec fifo"))?;
    std::fs::remove_file(place.fifo()).map_err(failed("removing exec fifo"))
}

/// `kill [--all] ID [SIGNAL]`
pub(super) fn kill(global: &Global, args: Args) -> Result<u8, OciError> {
    let (flags, words) = take(args, &[Flag::plain("all", Some('a'))], "kill")?;
    let name = words.get(1).map_or("TERM", String::as_str);
    let invalid = |_| OciError::InvalidValue {
        what: "signal",
        value: name.to_owned(),
    };
    let signal = name.parse::<Signal>().map_err(invalid)?.number();
    let place = Place::of(global, first(&words))?;
    let record = place.read()?;
    if flags.contains(&"all") {
        for pid in Cgroup::open(&record.cgroup)?.procs()? {
            // It may have ended meanwhile.
            drop(lockgate_sys::signal::send(pid, signal));
        }
        return Ok(0);
    }
    let init = record.open_init()?;
    lockgate_sys::signal::send_to_handle(init.as_fd(), signal).map_err(failed("kill"))?;
    Ok(0)
}

/// `delete [--force] ID`
pub(super) fn delete(global: &Global, args: Args) -> Result<u8, OciError> {
    let (flags, words) = take(args, &[Flag::plain("force", Some('f'))], "delete")?;
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
        status => return Err(OciError::NotStopped(status.name().to_owned())),
    }
    remove(&place)?;
    Ok(0)
}

/// Ends what still runs and removes what is left of a container.
pub(super) fn remove(place: &Place) -> Result<(), OciError> {
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
    place.remove()
}

/// `pause ID` and `resume ID`
pub(super) fn set_paused(global: &Global, args: Args, paused: bool) -> Result<u8, OciError> {
    let (_, words) = take(args, &[], if paused { "pause" } else { "resume" })?;
    let place = Place::of(global, first(&words))?;
    let record = place.read()?;
    let cgroup = Cgroup::open(&record.cgroup)?;
    match (place.status(&record), paused) {
        (Status::Running | Status::Created, true) => cgroup.freeze()?,
        (Status::Paused, false) => cgroup.thaw()?,
        _ => return Err(OciError::NotRunning),
    }
    Ok(0)
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

/// Flags that were given, and words, of which there is at least one.
fn take(
    mut args: Args,
    known: &[Flag],
    command: &'static str,
) -> Result<(Vec<&'static str>, Vec<String>), OciError> {
    let mut flags = Vec::new();
    while let Some(flag) = args.flag(known)? {
        flags.push(flag.name);
    }
    let words = args.rest();
    if words.is_empty() {
        return Err(OciError::MissingArgument(command, "a container's id"));
    }
    Ok((flags, words))
}

fn first(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}
