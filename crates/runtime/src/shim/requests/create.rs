//! Making the container.

use std::os::fd::BorrowedFd;
use std::path::Path;

use oci_spec::runtime::Spec;

use super::super::Shim;
use super::super::container::{Container, Maker, read_spec};
use super::super::external::{self, External, Made};
use super::super::log::Log;
use super::super::task::Task;
use super::streams::{open_streams, stdio, window, with_terminal};
use super::{INIT, RequestError, system};
use crate::create::{
    self, CreateError, Gate, Hooks, Moment, NewContainer, NullStdio, RootChange, Stdio,
};
use crate::protocol::{CreateRequest, Reply, RuntimeChoice};
use crate::reason::Reason;

impl Shim {
    pub(super) fn create(&mut self, request: CreateRequest) -> Result<Reply, RequestError> {
        if self.container.is_some() {
            return Err(RequestError::Twice);
        }
        let spec = read_spec(&request.bundle)?;
        let log = Log::open(&request.log).map_err(|error| no_log(&error))?;
        let window = window(request.terminal, request.console_size);
        let (streams, theirs) = open_streams(request.terminal, request.open_stdin)?;
        let null = NullStdio::open().map_err(system("opening /dev/null"))?;
        let stdio = stdio(&null, theirs.as_ref(), [true, true]);
        if let Some(process) = spec.process() {
            create::own_pipes(&stdio, &spec, process.user())
                .map_err(system("giving pipes to the user"))?;
        }
        let (maker, made) = make(&request, &spec, stdio, window)?;
        let streams = with_terminal(streams, made.terminal, window)?;
        let mut container = Container::new(request.bundle, maker, &spec, made.cgroup);
        container.hold_mounts_of(made.pid);
        self.container = Some(container);
        let task = Task {
            exec: None,
            pid: made.pid,
            pidfd: made.pidfd,
            terminal: request.terminal,
            streams,
            closes_input: request.stdin_once,
            log,
            exit_file: Some(request.exit_file),
            killed: false,
            ended: None,
        };
        self.tasks.insert(INIT, task);
        Ok(Reply::Created { pid: made.pid })
    }
}

/// Drivers have words of their own; the system's are shown as in Go.
fn no_log(error: &std::io::Error) -> RequestError {
    RequestError::Log(match error.raw_os_error() {
        Some(_) => Reason(error).to_string(),
        None => error.to_string(),
    })
}

/// Makes it by this library or by another runtime.
fn make(
    request: &CreateRequest,
    spec: &Spec,
    stdio: [BorrowedFd<'_>; 3],
    window: Option<(u16, u16)>,
) -> Result<(Maker, Made), RequestError> {
    let RuntimeChoice::External { path, args, root } = &request.runtime else {
        return make_natively(request, spec, stdio, window);
    };
    let external = External::new((path, args), root, request.id.as_str());
    let made = external.create(&external::Create {
        bundle: &request.bundle,
        root: &request.rootfs,
        stdio,
        terminal: request.terminal,
        spec,
    })?;
    Ok((Maker::External(external), made))
}

fn make_natively(
    request: &CreateRequest,
    spec: &Spec,
    stdio: [BorrowedFd<'_>; 3],
    window: Option<(u16, u16)>,
) -> Result<(Maker, Made), RequestError> {
    let hooks = Hooks {
        spec,
        id: request.id.as_str(),
        bundle: &request.bundle,
    };
    if hooks.any(&[Moment::Poststart, Moment::Poststop]) {
        let what = "a hook after the start or the end, under the supervisor,".to_owned();
        return Err(CreateError::Unsupported(what).into());
    }
    let created = create::create(&NewContainer {
        spec,
        root: &request.rootfs,
        place: &request.bundle.join("rootfs"),
        cgroup: Path::new("/lockgate").join(request.id.as_str()),
        stdio: Stdio::Descriptors(stdio),
        window,
        gate: Gate::Channel,
        hooks,
        root_change: RootChange::default(),
        preserved: 0,
    })?;
    let mut init = created.init;
    let made = Made {
        pid: init.pid,
        pidfd: init.pidfd.try_clone().map_err(system("copying a handle"))?,
        terminal: init.terminal.take(),
        cgroup: created.cgroup,
    };
    Ok((Maker::Native(Some(init)), made))
}
