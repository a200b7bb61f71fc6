//! What the engine asks, and the answers.

mod create;
mod exec;
mod streams;

use std::io;
use std::os::fd::AsFd as _;

use lockgate_types::{ErrorKind, ExecId, Timestamp};
use rustix::event::PollFlags;

use super::Shim;
use super::connection::{Connection, Role, TaskId};
use super::container::{Container, Maker};
use super::task::Task;
use crate::create::CreateError;
use crate::protocol::{ExecRequest, Reply, Request, ShimEvent, ShimFailure, ShimState, ShimStatus};

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
    #[error("failed to initialize logging driver: {0}")]
    Log(String),
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
            Self::System { .. } | Self::Log(_) => ErrorKind::Internal,
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

    fn kill_exec(&mut self, exec: &ExecId, signal: i32) -> Result<Reply, RequestError> {
        let task = self
            .tasks
            .values_mut()
            .find(|task| task.exec.as_ref() == Some(exec));
        let task = task
            .filter(|task| task.ended.is_none())
            .ok_or(RequestError::NoExec)?;
        task.killed |= signal == SIGKILL;
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
}

/// signal(7)
const SIGKILL: i32 = 9;

/// The container's init among the tasks.
const INIT: TaskId = 0;
