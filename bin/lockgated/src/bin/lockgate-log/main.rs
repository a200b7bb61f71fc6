//! `lockgate-log`: ships a container's output to a log service, and compresses rotated log files.
//!
//! ```text
//! lockgate-log ship             records on standard input (lockgate_runtime::protocol, `logs`)
//! lockgate-log compress FILE    FILE becomes FILE.gz
//! ```
//!
//! A shim starts it for each container with such a driver. It is apart from the shim because it links TLS
//! and may hang on a target that does not answer, which must cost others nothing (docs/adr).
#![forbid(unsafe_code)]

mod address;
mod compress;
mod fluentd;
mod gelf;
mod journald;
mod queued;
mod syslog;
mod target;
mod tls;

use std::io::{self, BufReader, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lockgate_runtime::protocol::{Decoder, LogReady, LogSetup, encode, read_record};

/// How long delivery may go on after the container has ended.
const LAST_WORDS: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let result = match args.as_slice() {
        [verb] if verb == "ship" => ship(),
        [verb, file] if verb == "compress" => compress::compress(Path::new(file)),
        _ => Err(io::Error::other("usage: lockgate-log ship | compress FILE")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&error);
            ExitCode::FAILURE
        }
    }
}

/// Delivers records until there are no more.
fn ship() -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let setup = read_setup(&mut socket)?;
    let target = target::open(&setup);
    let ready = LogReady {
        error: target.as_ref().err().map(ToString::to_string),
    };
    socket.write_all(&encode(&ready).map_err(io::Error::other)?)?;
    let Ok(mut target) = target else {
        return Ok(());
    };
    watch_for_the_end(&socket)?;
    let mut records = BufReader::with_capacity(64 << 10, socket);
    let mut is_failing = false;
    while let Some(record) = read_record(&mut records)? {
        let result = target.send(&record);
        // Told once, not for every line.
        if let Err(error) = &result
            && !is_failing
        {
            note(error);
        }
        is_failing = result.is_err();
    }
    target.finish()
}

/// Ends this process if a target swallows nothing any more once the container has ended.
fn watch_for_the_end(socket: &UnixStream) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let socket = socket.try_clone()?;
    std::thread::spawn(move || {
        let mut ended = [PollFd::new(&socket, PollFlags::RDHUP)];
        while matches!(poll(&mut ended, None), Err(rustix::io::Errno::INTR)) {}
        std::thread::sleep(LAST_WORDS);
        note(&io::Error::other(
            "the log target does not take the last lines",
        ));
        #[expect(clippy::exit, reason = "the other thread hangs in a write")]
        std::process::exit(1);
    });
    Ok(())
}

/// Reads the first frame and not a byte more.
fn read_setup(socket: &mut UnixStream) -> io::Result<LogSetup> {
    let mut decoder = Decoder::new();
    loop {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        decoder.push(&byte);
        if let Some(setup) = decoder.next_message().map_err(io::Error::other)? {
            return Ok(setup);
        }
    }
}

/// A word in the shim's log.
fn note(error: &io::Error) {
    // A closed standard error is no reason to stop.
    writeln!(io::stderr(), "lockgate-log: {error}").unwrap_or_default();
}
