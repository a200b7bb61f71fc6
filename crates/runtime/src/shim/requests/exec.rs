//! One more process in the container.

use std::os::fd::BorrowedFd;

use super::super::Shim;
use super::super::connection::TaskId;
use super::super::container::{Container, Maker, read_spec};
use super::super::external::Joined;
use super::super::task::Task;
use super::streams::{open_streams, stdio, window, with_terminal};
use super::{INIT, RequestError, system};
use crate::create::{self, CreateError, NewProcess, NullStdio, Stdio};
use crate::protocol::ExecRequest;
use crate::seccomp;

impl Shim {
    pub(super) fn exec(&mut self, request: &ExecRequest) -> Result<(TaskId, i32), RequestError> {
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
        let joined = join(container, init, request, stdio, window)?;
        for (slot, wanted) in streams.outputs.iter_mut().zip(wanted) {
            if !wanted {
                *slot = None;
            }
        }
        let streams = with_terminal(streams, joined.terminal, window)?;
        let id = self.next_task;
        self.next_task += 1;
        let task = Task {
            exec: Some(request.exec.clone()),
            pid: joined.pid,
            pidfd: joined.pidfd,
            terminal,
            streams,
            closes_input: true,
            log: None,
            exit_file: request.exit_file.clone(),
            killed: false,
            ended: None,
        };
        self.tasks.insert(id, task);
        Ok((id, joined.pid))
    }
}

/// Starts the process, confined as the container is now that its specification is read again: nothing of
/// it is kept in memory for an exec that may never come.
fn join(
    container: &Container,
    init: &Task,
    request: &ExecRequest,
    stdio: [BorrowedFd<'_>; 3],
    window: Option<(u16, u16)>,
) -> Result<Joined, RequestError> {
    if let Maker::External(external) = &container.maker {
        return Ok(external.exec(&container.bundle, request, stdio)?);
    }
    let spec = read_spec(&container.bundle)?;
    create::own_pipes(&stdio, &spec, request.process.user())
        .map_err(system("giving pipes to the user"))?;
    let profile = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.seccomp().as_ref());
    let filter = profile
        .map(seccomp::compile)
        .transpose()
        .map_err(CreateError::from)?;
    let mut prepared = create::enter(&NewProcess {
        process: &request.process,
        init: &init.pidfd,
        init_pid: init.pid,
        namespaces: &container.namespaces,
        filter: filter.as_ref(),
        cgroup: &container.cgroup,
        stdio: Stdio::Descriptors(stdio),
        window,
        preserved: 0,
    })?;
    prepared.start()?;
    let terminal = prepared.terminal.take();
    Ok(Joined {
        pid: prepared.pid,
        pidfd: prepared.pidfd,
        terminal,
    })
}
