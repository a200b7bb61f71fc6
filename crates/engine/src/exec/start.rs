//! Starting an exec.

use std::sync::Arc;

use lockgate_runtime::protocol::{ExecRequest, Reply, Request};
use lockgate_runtime::spec::all_capabilities;
use lockgate_types::ErrorKind;
use oci_spec::runtime::Process;
use tokio::net::UnixStream;

use super::create::check_running;
use super::life::Exec;
use super::{ExecError, ExecStream, Execs, StartExec};
use crate::config::EngineConfig;
use crate::container::spec::{capability, process};
use crate::container::{Duplex, Facts, StdinEnd, events};
use crate::rootfs::{self, Identity};
use crate::shim::{self, ShimError};

/// The exit code of an exec whose command is not there, or cannot be executed.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;
/// The exit code of an exec that fails for another reason.
const UNKNOWN: i32 = 128;

impl Execs {
    /// Starts it. The stream is `None` when detached.
    pub async fn start(&self, id: &str, how: StartExec) -> Result<Option<ExecStream>, ExecError> {
        let exec = self.inner.execs.find(id)?;
        check_running(&exec.container, exec.container.id.as_str())?;
        exec.begin()?;
        let execs = self.clone();
        // In a task of its own: once begun it is finished, whether or not the caller waits.
        let task = tokio::spawn(async move { execs.start_begun(&exec, how).await });
        task.await.unwrap_or(Err(ExecError::Shim))
    }

    async fn start_begun(
        &self,
        exec: &Arc<Exec>,
        how: StartExec,
    ) -> Result<Option<ExecStream>, ExecError> {
        let facts = exec.container.facts();
        let opened = match request(&self.inner.config, exec, &facts, how).await {
            Ok(request) => {
                self.tell_start(exec, &facts);
                open(exec, &request).await
            }
            Err(error) => Err(error),
        };
        let (pid, stream) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                exec.failed(exit_code(&error));
                return Err(error);
            }
        };
        exec.started(&self.inner, pid);
        if how.detach {
            return Ok(None);
        }
        let config = &exec.config;
        let end = match (config.attach_stdin, config.tty) {
            (false, _) => StdinEnd::Ignore,
            (true, false) => StdinEnd::Close,
            (true, true) => StdinEnd::Detach,
        };
        let keys = (config.tty && config.attach_stdin).then(|| exec.detach_keys.clone());
        let duplex = Duplex::live(stream, end, keys);
        Ok(Some(ExecStream::new(duplex, exec.watch(), config.tty)))
    }
}

impl Execs {
    /// As in Docker, before it is known whether the command is there.
    fn tell_start(&self, exec: &Exec, facts: &Facts) {
        let command = exec
            .config
            .cmd
            .split_first()
            .map(|(first, rest)| format!("{first} {}", rest.join(" ")));
        let action = format!("exec_start: {}", command.unwrap_or_default());
        let attributes = [("execID", exec.id.to_string())];
        events::container(&self.inner, &facts.record, &action, attributes);
    }
}

async fn open(exec: &Exec, request: &Request) -> Result<(i32, UnixStream), ExecError> {
    match shim::open_stream(&exec.container.socket(), request).await {
        Ok((Reply::ExecStarted { pid }, stream)) => Ok((pid, stream)),
        Ok(_) => Err(ExecError::Shim),
        Err(ShimError::Failed(failure)) if failure.kind == ErrorKind::Conflict => {
            Err(ExecError::NotRunning(exec.container.id.clone()))
        }
        Err(ShimError::Failed(failure)) => Err(ExecError::Start(failure.message)),
        Err(error) => {
            tracing::debug!(%error, "cannot start an exec");
            // The shim is gone: so is the container, or it will be in a moment.
            Err(ExecError::NotRunning(exec.container.id.clone()))
        }
    }
}

async fn request(
    engine: &EngineConfig,
    exec: &Arc<Exec>,
    facts: &Arc<Facts>,
    how: StartExec,
) -> Result<Request, ExecError> {
    let config = &exec.config;
    // The container decides how long its files take to read.
    let (of, seen) = (Arc::clone(exec), Arc::clone(facts));
    let looking = tokio::task::spawn_blocking(move || identity(&of.config.user, &seen));
    let identity = looking.await.unwrap_or(Err(ExecError::Shim))?;
    Ok(Request::Exec(Box::new(ExecRequest {
        exec: exec.id.clone(),
        process: build(engine, exec, facts, &identity, how)?,
        open_stdin: config.attach_stdin && !how.detach,
        attach_stdout: config.attach_stdout && !how.detach,
        attach_stderr: config.attach_stderr && !how.detach,
        exit_file: None,
    })))
}

/// The user of the exec, or of the container if it names none, as the container sees it now.
pub(super) fn identity(user: &str, facts: &Facts) -> Result<Identity, ExecError> {
    let host = &facts.record.host_config;
    let user = if user.is_empty() {
        &facts.record.config.user
    } else {
        user
    };
    let groups = host.group_add.as_deref().unwrap_or_default();
    rootfs::of_process(facts.state.pid, user, groups)
        .map_err(|error| ExecError::User(error.to_string()))
}

fn build(
    engine: &EngineConfig,
    exec: &Exec,
    facts: &Facts,
    identity: &Identity,
    how: StartExec,
) -> Result<Process, ExecError> {
    let config = &exec.config;
    let record = &facts.record;
    let capabilities = if config.privileged {
        all_capabilities()
    } else {
        capability::resolve(&record.host_config)?
    };
    let directory = if config.working_dir.is_empty() {
        &record.config.working_dir
    } else {
        &config.working_dir
    };
    if !directory.is_empty() && !directory.starts_with('/') {
        return Err(ExecError::WorkingDir);
    }
    let size = how.console_size.or(config.console_size).unwrap_or_default();
    let mut process = process::common(record, identity, &capabilities);
    process
        .set_rlimits(Some(process::rlimits(engine, record)))
        .set_terminal(Some(config.tty))
        .set_console_size(process::console_size(size))
        .set_args(Some(config.cmd.clone()))
        .set_env(Some(process::environment(
            record,
            config.tty,
            identity,
            &config.env,
        )))
        .set_cwd(process::working_directory(directory));
    Ok(process)
}

fn exit_code(error: &ExecError) -> i32 {
    if matches!(error, ExecError::WorkingDir) {
        return UNKNOWN;
    }
    let text = error.to_string();
    if text.contains("permission denied") || text.contains("is a directory") {
        NOT_EXECUTABLE
    } else {
        NOT_FOUND
    }
}
