//! The shim: one small process that supervises one container and outlives the daemon.
//!
//! ```text
//!   socket pair (fd 3) --+                             +-- stdout, stderr --> log file
//!   listening socket  ---+-- poll loop, one thread ----+                 +--> attached clients
//!   SIGCHLD (signalfd) --+                             +-- stdin <----------- attached clients
//! ```
//!
//! It ends by itself when the container has ended, the exit is recorded and all output is delivered; or
//! when nobody who could ask for a container is left.

mod connection;
mod container;
mod external;
mod init_program;
mod log;
mod requests;
mod supervise;
mod task;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use init_program::run as run_init;

use connection::{Connection, Role, TaskId};
use container::Container;
use log::{Log, Stream};
use task::Task;

/// Why a shim could not start to serve.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// A step of the start failed.
    #[error("{step}: {source}")]
    Start {
        /// Which.
        step: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// Waiting for events failed.
    #[error("waiting for events: {0}")]
    Poll(io::Error),
}

/// Serves on `socket`, and on the connection that this process was born with, until all is over.
pub fn run(socket: &Path) -> Result<(), ShimError> {
    let failed = |step| move |source| ShimError::Start { step, source };
    let control = lockgate_sys::process::inherited_descriptor(3).map_err(failed("descriptor 3"))?;
    // What the daemon's own parent may have left open is nobody's here.
    lockgate_sys::descriptor::close_all_except(3, &[control.as_fd()])
        .map_err(failed("closing descriptors"))?;
    lockgate_sys::memory::prefer_small();
    // Children that lose their parent become ours, also those that an external runtime leaves behind.
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own)).map_err(|e| failed("subreaper")(e.into()))?;
    rustix::thread::set_name(c"lockgate-shim").map_err(|e| failed("name")(e.into()))?;
    let signals = lockgate_sys::signal::signal_descriptor(&[SIGCHLD]).map_err(failed("signals"))?;
    let listener = lockgate_sys::socket_path::listen(socket).map_err(failed("listening"))?;
    listener
        .set_nonblocking(true)
        .map_err(failed("listening"))?;
    let mut shim = Shim::new(signals, listener);
    shim.add_connection(control, true);
    let result = shim.serve();
    // It may have been removed together with its directory.
    drop(fs::remove_file(socket));
    result
}

/// Everything that a shim knows.
#[derive(Debug)]
struct Shim {
    signals: OwnedFd,
    listener: UnixListener,
    connections: BTreeMap<u32, Connection>,
    next_connection: u32,
    container: Option<Container>,
    /// The init is number 0.
    tasks: BTreeMap<TaskId, Task>,
    next_task: TaskId,
    buffer: Vec<u8>,
    /// Memory has run out; until then a kill may follow.
    memory_alarm: Option<Instant>,
    /// Memory has been given back since something happened.
    resting: bool,
}

/// What became ready.
#[derive(Clone, Copy, Debug)]
enum Ready {
    Signals,
    Listener,
    Memory,
    Connection(u32),
    Output(TaskId, Stream),
    Input(TaskId),
    Log(TaskId),
}

impl Shim {
    fn new(signals: OwnedFd, listener: UnixListener) -> Self {
        Self {
            signals,
            listener,
            connections: BTreeMap::new(),
            next_connection: 0,
            container: None,
            tasks: BTreeMap::new(),
            next_task: 1,
            buffer: Vec::new(),
            memory_alarm: None,
            resting: false,
        }
    }

    fn serve(&mut self) -> Result<(), ShimError> {
        while !self.is_over() {
            let (ready, timed_out) = self.wait().map_err(ShimError::Poll)?;
            if timed_out && !self.resting {
                self.rest();
            } else if !ready.is_empty() {
                self.resting = false;
            }
            for (what, events) in ready {
                self.handle(what, events);
            }
            self.check_memory();
            self.finish_ended();
            self.connections
                .retain(|_, connection| !connection.is_done());
        }
        Ok(())
    }

    /// Nothing is left to supervise and everything is said.
    fn is_over(&self) -> bool {
        let silent = !self.connections.values().any(Connection::has_output);
        match &self.container {
            None => silent && self.connections.is_empty(),
            Some(container) => container.exit.is_some() && self.tasks.is_empty() && silent,
        }
    }

    fn wait(&self) -> io::Result<(Vec<(Ready, PollFlags)>, bool)> {
        let wanted = self.wanted();
        let mut descriptors: Vec<PollFd<'_>> = wanted
            .iter()
            .map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags))
            .collect();
        let count = loop {
            let timeout = self.timeout().map(|left| Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            });
            match poll(&mut descriptors, timeout.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                result => break result?,
            }
        };
        let happened = descriptors.iter().map(PollFd::revents);
        let ready = wanted
            .iter()
            .zip(happened)
            .filter(|(_, events)| !events.is_empty());
        Ok((
            ready.map(|((what, ..), events)| (*what, events)).collect(),
            count == 0,
        ))
    }

    /// What to wait for. Output waits for slow clients, clients wait for a process that does not read.
    fn wanted(&self) -> Vec<(Ready, BorrowedFd<'_>, PollFlags)> {
        let mut wanted = Vec::with_capacity(8);
        for (id, task) in &self.tasks {
            for stream in [Stream::Stdout, Stream::Stderr] {
                let source = task.streams.outputs[stream as usize].as_ref();
                if let Some(source) = source.filter(|_| !self.is_held_up(*id)) {
                    wanted.push((Ready::Output(*id, stream), source.as_fd(), PollFlags::IN));
                }
            }
            if let Some(log) = task.log.as_ref().and_then(Log::waits_for) {
                wanted.push((Ready::Log(*id), log, PollFlags::OUT));
            }
            if let Some(pipe) = &task.streams.input.pipe {
                // Without a flag the end of the reader is told all the same.
                let flags = if task.streams.input.is_waiting() {
                    PollFlags::OUT
                } else {
                    PollFlags::empty()
                };
                if !task.terminal || task.streams.input.is_waiting() {
                    wanted.push((Ready::Input(*id), pipe.as_fd(), flags));
                }
            }
        }
        for (id, connection) in &self.connections {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, self.may_read(connection));
            flags.set(PollFlags::OUT, connection.has_output());
            wanted.push((Ready::Connection(*id), connection.as_fd(), flags));
        }
        let container = self
            .container
            .as_ref()
            .filter(|container| container.exit.is_none());
        if let Some(watch) = container.and_then(|container| container.memory_watch.as_ref()) {
            wanted.push((Ready::Memory, watch.as_fd(), PollFlags::IN));
        }
        wanted.push((Ready::Listener, self.listener.as_fd(), PollFlags::IN));
        // Last: what processes wrote is read before their end is looked at.
        wanted.push((Ready::Signals, self.signals.as_fd(), PollFlags::IN));
        wanted
    }

    fn timeout(&self) -> Option<Duration> {
        let patience = self
            .tasks
            .values()
            .filter_map(|task| task.ended)
            .map(|e| e.patience)
            .min();
        let rest = (!self.resting).then_some(REST_AFTER);
        let left = patience.map(|end| end.saturating_duration_since(Instant::now()));
        let again = self.memory_alarm.map(|_| CHECK_MEMORY_AFTER);
        left.into_iter().chain(rest).chain(again).min()
    }

    fn handle(&mut self, what: Ready, events: PollFlags) {
        match what {
            Ready::Signals => self.reap(),
            Ready::Listener => self.accept(),
            Ready::Memory => self.notice_memory(),
            Ready::Connection(id) => self.serve_connection(id, events),
            Ready::Output(task, stream) => self.pump(task, stream),
            Ready::Log(task) => {
                if let Some(log) = self.tasks.get_mut(&task).and_then(|t| t.log.as_mut()) {
                    log.flush();
                }
            }
            Ready::Input(task) => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    if events.contains(PollFlags::ERR) {
                        task.streams.input.close();
                    }
                    task.streams.input.write();
                }
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            self.add_connection(stream.into(), false);
        }
    }

    fn add_connection(&mut self, socket: OwnedFd, watches: bool) {
        self.connections
            .insert(self.next_connection, Connection::new(socket, watches));
        self.next_connection += 1;
    }

    /// Gives memory back when nothing has happened for a while.
    fn rest(&mut self) {
        self.buffer = Vec::new();
        lockgate_sys::memory::release();
        self.resting = true;
    }

    fn is_held_up(&self, task: TaskId) -> bool {
        let log = self.tasks.get(&task).and_then(|task| task.log.as_ref());
        log.is_some_and(Log::is_full)
            || self.connections.values().any(|connection| {
                matches!(connection.role, Role::Stream { task: of, .. } if of == task)
                    && connection.is_full()
            })
    }

    fn may_read(&self, connection: &Connection) -> bool {
        match connection.role {
            Role::Control { .. } => !connection.ending && !connection.is_full(),
            Role::Stream { input: false, .. } => false,
            Role::Stream { task, .. } => self
                .tasks
                .get(&task)
                .is_some_and(|task| task.streams.input.has_room()),
        }
    }
}

/// After this long without anything to do, memory is given back.
const REST_AFTER: Duration = Duration::from_millis(300);

/// How often a kill is looked for after memory has run out.
const CHECK_MEMORY_AFTER: Duration = Duration::from_millis(5);

/// signal(7)
const SIGCHLD: i32 = 17;

/// A word to whoever reads the shim's own log.
#[expect(clippy::print_stderr, reason = "standard error is the shim's log file")]
fn note(text: &str) {
    eprintln!("{text}");
}
