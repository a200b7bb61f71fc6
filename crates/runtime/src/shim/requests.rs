//! What the engine asks, and the answers.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use lockgate_types::{ErrorKind, ExecId, Timestamp};
use rustix::event::PollFlags;

use super::connection::{Connection, Role, TaskId};
use super::container::{Container, Maker, read_spec};
use super::external::External;
use super::log::Log;
use super::task::{Streams, Task, TheirEnds};
use super::{Shim, external};
use crate::create::{self, CreateError, NewContainer, NewProcess, NullStdio, Stdio};
use crate::protocol::{
    CreateRequest, ExecRequest, Reply, Request, RuntimeChoice, ShimEvent, ShimFailure, ShimState,
    ShimStatus,
};
use crate::seccomp;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error("a container exists already")]
    Twice,
    #[error("no container")]
    NoContainer,
    #[error("cannot start an already running container")]
    StartedAlready,
    #[error("container is not running")]
    NotRunning,
    #[error("exec not found")]
    NoExec,
    #[error("an exec with this id runs already")]
    ExecTwice,
    #[error("{step}: {source}")]
    System {
        step: &'static str,
        source: io::Error,
    },
    #[error(transparent)]
    Cgroup(#[from] crate::cgroup::CgroupError),
}

impl RequestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Create(error) => error.kind(),
            Self::Twice | Self::StartedAlready | Self::NotRunning | Self::ExecTwice => {
                ErrorKind::Conflict
            }
            Self::NoContainer | Self::NoExec => ErrorKind::NotFound,
            Self::System { source, .. } if source.kind() == io::ErrorKind::InvalidInput => {
                ErrorKind::InvalidInput
            }
            // ESRCH: it ended at this very moment.
            Self::System { source, .. } if source.raw_os_error() == Some(3) => ErrorKind::Conflict,
            Self::System { .. } => ErrorKind::Internal,
            Self::Cgroup(error) => error.kind(),
        }
    }
}

fn system<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> RequestError {
    move |error| RequestError::System {
        step,
        source: error.into(),
    }
}

impl Shim {
    /// Reads from a connection, or writes what waits for it.
    pub(super) fn serve_connection(&mut self, id: u32, events: PollFlags) {
        let Some(mut connection) = self.connections.remove(&id) else {
            return;
        };
        if events.contains(PollFlags::OUT) {
            connection.flush();
        }
        if events.contains(PollFlags::IN) {
            self.read_connection(&mut connection);
        } else if events.intersects(PollFlags::HUP | PollFlags::ERR) {
            connection.dead = true;
        }
        self.connections.insert(id, connection);
    }

    fn read_connection(&mut self, connection: &mut Connection) {
        self.buffer.resize(64 << 10, 0);
        let Some(count) = connection.read(&mut self.buffer) else {
            return;
        };
        let bytes = self.buffer.get(..count).unwrap_or(&[]);
        match &mut connection.role {
            Role::Control { .. } if bytes.is_empty() => connection.dead = true,
            Role::Control { decoder, .. } => {
                decoder.push(bytes);
                self.serve_requests(connection);
            }
            Role::Stream { task, input, .. } => {
                let Some(task) = self.tasks.get_mut(task) else {
                    return;
                };
                if bytes.is_empty() {
                    *input = false;
                    // As in Docker, a terminal is never closed: its user has sent ^D.
                    if task.closes_input && !task.terminal {
                        task.streams.input.close();
                    }
                } else {
                    task.streams.input.take(bytes);
                }
            }
        }
    }

    fn serve_requests(&mut self, connection: &mut Connection) {
        while let Role::Control { decoder, .. } = &mut connection.role {
            match decoder.next_message::<Request>() {
                Ok(None) => return,
                Ok(Some(request)) => self.answer(connection, request),
                Err(error) => {
                    let failure = ShimFailure {
                        kind: error.kind(),
                        message: error.to_string(),
                    };
                    connection.reply(&Reply::Failed(failure));
                    connection.ending = true;
                    return;
                }
            }
        }
    }

    fn answer(&mut self, connection: &mut Connection, request: Request) {
        let result = match request {
            Request::Create(request) => self.create(*request),
            Request::Start => self.start(),
            Request::State => Ok(Reply::State(self.state())),
            Request::Watch => return self.watch(connection),
            Request::Kill { signal, all } => self.kill(signal, all),
            Request::Resize {
                exec,
                height,
                width,
            } => self.resize(exec.as_ref(), height, width),
            Request::Attach {
                stdin,
                stdout,
                stderr,
            } => match self.attached() {
                Ok(reply) => {
                    connection.reply(&reply);
                    self.turn_into_stream(connection, INIT, [stdin, stdout, stderr]);
                    return;
                }
                Err(error) => Err(error),
            },
            Request::Exec(request) => match self.exec(&request) {
                Ok((task, pid)) => {
                    connection.reply(&Reply::ExecStarted { pid });
                    let ExecRequest {
                        open_stdin,
                        attach_stdout,
                        attach_stderr,
                        ..
                    } = *request;
                    let wanted = [open_stdin, attach_stdout, attach_stderr];
                    self.turn_into_stream(connection, task, wanted);
                    return;
                }
                Err(error) => Err(error),
            },
            Request::KillExec { exec, signal } => self.kill_exec(&exec, signal),
            Request::Pause => self.set_paused(true),
            Request::Resume => self.set_paused(false),
        };
        let reply = result.unwrap_or_else(|error| {
            Reply::Failed(ShimFailure {
                kind: error.kind(),
                message: error.to_string(),
            })
        });
        connection.reply(&reply);
    }

    fn create(&mut self, request: CreateRequest) -> Result<Reply, RequestError> {
        if self.container.is_some() {
            return Err(RequestError::Twice);
        }
        let spec = read_spec(&request.bundle)?;
        let log = Log::open(&request.log).map_err(system("opening the log"))?;
        let window = window(request.terminal, request.console_size);
        let (mut streams, theirs) = open_streams(request.terminal, request.open_stdin)?;
        let null = NullStdio::open().map_err(system("opening /dev/null"))?;
        let stdio = stdio(&null, theirs.as_ref(), [true, true]);
        let place = request.bundle.join("rootfs");
        let (maker, cgroup, pid, pidfd, terminal) = match &request.runtime {
            RuntimeChoice::Native => {
                let created = create::create(&NewContainer {
                    spec: &spec,
                    root: &request.rootfs,
                    place: &place,
                    cgroup: std::path::Path::new("/lockgate").join(request.id.as_str()),
                    stdio: Stdio::Descriptors(stdio),
                    window,
                    gate: create::Gate::Channel,
                })?;
                let mut init = created.init;
                let pidfd = init.pidfd.try_clone().map_err(system("copying a handle"))?;
                let (pid, terminal) = (init.pid, init.terminal.take());
                (
                    Maker::Native(Some(init)),
                    created.cgroup,
                    pid,
                    pidfd,
                    terminal,
                )
            }
            RuntimeChoice::External { path, root } => {
                let external = External::new(path, root, request.id.as_str());
                let made = external.create(&external::Create {
                    bundle: &request.bundle,
                    root: &request.rootfs,
                    stdio,
                    terminal: request.terminal,
                    spec: &spec,
                })?;
                let (pid, pidfd, terminal) = (made.pid, made.pidfd, made.terminal);
                (Maker::External(external), made.cgroup, pid, pidfd, terminal)
            }
        };
        if let Some(master) = terminal {
            streams = Streams::terminal(master).map_err(system("opening the terminal"))?;
            if let Some((height, width)) = window {
                streams
                    .resize(height, width)
                    .map_err(system("sizing the terminal"))?;
            }
        }
        let mut container = Container::new(request.bundle, maker, &spec, cgroup);
        container.hold_mounts_of(pid);
        self.container = Some(container);
        let task = Task {
            exec: None,
            pid,
            pidfd,
            terminal: request.terminal,
            streams,
            closes_input: request.stdin_once,
            log,
            exit_file: Some(request.exit_file),
            ended: None,
        };
        self.tasks.insert(INIT, task);
        Ok(Reply::Created { pid })
    }

    fn start(&mut self) -> Result<Reply, RequestError> {
        let container = self.container.as_mut().ok_or(RequestError::NoContainer)?;
        if container.exit.is_some() {
            return Err(RequestError::NotRunning);
        }
        match &mut container.maker {
            Maker::Native(waiting) => {
                waiting
                    .take()
                    .ok_or(RequestError::StartedAlready)?
                    .start()?;
            }
            Maker::External(_) if container.started_at.is_some() => {
                return Err(RequestError::StartedAlready);
            }
            Maker::External(external) => external.start()?,
        }
        let at = Timestamp::now();
        container.started_at = Some(at);
        Ok(Reply::Started { at })
    }

    fn state(&self) -> ShimState {
        let Some(container) = &self.container else {
            return ShimState {
                status: ShimStatus::Empty,
                pid: None,
                started_at: None,
                exit: None,
                execs: Vec::new(),
            };
        };
        let status = match container {
            Container { exit: Some(_), .. } => ShimStatus::Stopped,
            Container {
                started_at: None, ..
            } => ShimStatus::Created,
            Container { paused: true, .. } => ShimStatus::Paused,
            _ => ShimStatus::Running,
        };
        ShimState {
            status,
            pid: self.tasks.get(&INIT).map(|task| task.pid),
            started_at: container.started_at,
            exit: container.exit,
            execs: self
                .tasks
                .values()
                .filter_map(|task| task.exec.clone())
                .collect(),
        }
    }

    fn watch(&self, connection: &mut Connection) {
        if let Role::Control { watches, .. } = &mut connection.role {
            *watches = true;
        }
        connection.reply(&Reply::Done);
        if let Some(record) = self.container.as_ref().and_then(|container| container.exit) {
            connection.reply(&Reply::Event(ShimEvent::Exited(record)));
        }
    }

    fn kill(&self, signal: i32, all: bool) -> Result<Reply, RequestError> {
        let container = self.container.as_ref().ok_or(RequestError::NoContainer)?;
        let task = self.tasks.get(&INIT).filter(|task| task.ended.is_none());
        let task = task.ok_or(RequestError::NotRunning)?;
        if all {
            container.signal_all(signal);
        }
        lockgate_sys::signal::send_to_handle(task.pidfd.as_fd(), signal)
            .map_err(system("sending the signal"))?;
        Ok(Reply::Done)
    }

    fn kill_exec(&self, exec: &ExecId, signal: i32) -> Result<Reply, RequestError> {
        let task = self.exec_task(exec)?;
        lockgate_sys::signal::send_to_handle(task.pidfd.as_fd(), signal)
            .map_err(system("sending the signal"))?;
        Ok(Reply::Done)
    }

    fn resize(&self, exec: Option<&ExecId>, h: u16, w: u16) -> Result<Reply, RequestError> {
        let task = match exec {
            Some(exec) => self.exec_task(exec)?,
            None => self.tasks.get(&INIT).ok_or(RequestError::NotRunning)?,
        };
        if task.terminal {
            task.streams
                .resize(h, w)
                .map_err(system("sizing the terminal"))?;
        }
        Ok(Reply::Done)
    }

    fn exec_task(&self, exec: &ExecId) -> Result<&Task, RequestError> {
        let task = self
            .tasks
            .values()
            .find(|task| task.exec.as_ref() == Some(exec));
        task.filter(|task| task.ended.is_none())
            .ok_or(RequestError::NoExec)
    }

    fn set_paused(&mut self, paused: bool) -> Result<Reply, RequestError> {
        let container = self.container.as_mut().ok_or(RequestError::NoContainer)?;
        if container.exit.is_some() || container.started_at.is_none() {
            return Err(RequestError::NotRunning);
        }
        if paused {
            container.cgroup.freeze()?;
        } else {
            container.cgroup.thaw()?;
        }
        container.paused = paused;
        Ok(Reply::Done)
    }

    fn attached(&self) -> Result<Reply, RequestError> {
        self.tasks
            .get(&INIT)
            .map(|_| Reply::Done)
            .ok_or(RequestError::NotRunning)
    }

    /// Makes a connection carry a process's streams; what the peer sent ahead is its first input.
    fn turn_into_stream(
        &mut self,
        connection: &mut Connection,
        task: TaskId,
        [input, stdout, stderr]: [bool; 3],
    ) {
        if let Role::Control { decoder, .. } = &mut connection.role {
            let early = decoder.take_rest();
            if input && let Some(task) = self.tasks.get_mut(&task) {
                task.streams.input.take(&early);
            }
        }
        connection.role = Role::Stream {
            task,
            input,
            stdout,
            stderr,
        };
    }

    fn exec(&mut self, request: &ExecRequest) -> Result<(TaskId, i32), RequestError> {
        let container = self.container.as_ref().ok_or(RequestError::NoContainer)?;
        let init = self.tasks.get(&INIT).filter(|task| task.ended.is_none());
        let init = init.ok_or(RequestError::NotRunning)?;
        if container.started_at.is_none() {
            return Err(RequestError::NotRunning);
        }
        if self
            .tasks
            .values()
            .any(|task| task.exec.as_ref() == Some(&request.exec))
        {
            return Err(RequestError::ExecTwice);
        }
        let process = &request.process;
        let terminal = process.terminal() == Some(true);
        let size = process
            .console_size()
            .map(|size| [size.height(), size.width()]);
        let window = window(
            terminal,
            size.unwrap_or_default()
                .map(|n| u32::try_from(n).unwrap_or(0)),
        );
        let (mut streams, theirs) = open_streams(terminal, request.open_stdin)?;
        let null = NullStdio::open().map_err(system("opening /dev/null"))?;
        let wanted = [request.attach_stdout, request.attach_stderr];
        let stdio = stdio(&null, theirs.as_ref(), wanted);
        let (pid, pidfd, master) = match &container.maker {
            Maker::Native(_) => {
                let spec = read_spec(&container.bundle)?;
                let linux = spec.linux().as_ref();
                let profile = linux.and_then(|linux| linux.seccomp().as_ref());
                let filter = profile
                    .map(seccomp::compile)
                    .transpose()
                    .map_err(CreateError::from)?;
                let mut prepared = create::enter(&NewProcess {
                    process,
                    init: &init.pidfd,
                    init_pid: init.pid,
                    namespaces: &container.namespaces,
                    filter: filter.as_ref(),
                    cgroup: &container.cgroup,
                    stdio: Stdio::Descriptors(stdio),
                    window,
                })?;
                prepared.start()?;
                let master = prepared.terminal.take();
                (prepared.pid, prepared.pidfd, master)
            }
            Maker::External(external) => {
                let made = external.exec(&container.bundle, request, stdio)?;
                (made.pid, made.pidfd, made.terminal)
            }
        };
        for (slot, wanted) in streams.outputs.iter_mut().zip(wanted) {
            if !wanted {
                *slot = None;
            }
        }
        if let Some(master) = master {
            streams = Streams::terminal(master).map_err(system("opening the terminal"))?;
            if let Some((height, width)) = window {
                streams
                    .resize(height, width)
                    .map_err(system("sizing the terminal"))?;
            }
        }
        let id = self.next_task;
        self.next_task += 1;
        let task = Task {
            exec: Some(request.exec.clone()),
            pid,
            pidfd,
            terminal,
            streams,
            closes_input: true,
            log: None,
            exit_file: request.exit_file.clone(),
            ended: None,
        };
        self.tasks.insert(id, task);
        Ok((id, pid))
    }
}

/// Pipes, unless there is to be a terminal.
fn open_streams(
    terminal: bool,
    with_input: bool,
) -> Result<(Streams, Option<TheirEnds>), RequestError> {
    if terminal {
        return Ok((Streams::default(), None));
    }
    let (ours, theirs) = Streams::pipes(with_input).map_err(system("making pipes"))?;
    Ok((ours, Some(theirs)))
}

fn stdio<'a>(
    null: &'a NullStdio,
    theirs: Option<&'a TheirEnds>,
    wanted: [bool; 2],
) -> [BorrowedFd<'a>; 3] {
    let or_null = |fd: Option<&'a OwnedFd>| fd.map_or_else(|| null.as_fd(), |fd| fd.as_fd());
    let output = theirs.map(|ends| &ends.output).filter(|_| wanted[0]);
    let error = theirs.map(|ends| &ends.error).filter(|_| wanted[1]);
    [
        or_null(theirs.and_then(|ends| ends.input.as_ref())),
        or_null(output),
        or_null(error),
    ]
}

/// A terminal's size, unless it is left at nothing.
fn window(terminal: bool, [height, width]: [u32; 2]) -> Option<(u16, u16)> {
    let size = (u16::try_from(height).ok()?, u16::try_from(width).ok()?);
    (terminal && size != (0, 0)).then_some(size)
}

/// The container's init among the tasks.
const INIT: TaskId = 0;
