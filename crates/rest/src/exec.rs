//! Processes started in running containers.

use http::StatusCode;
use lockgate_api::latest::exec as wire;
use lockgate_api::stdcopy;
use lockgate_engine::{CreateExec, ExecError, StartExec};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::containers::window;
use crate::error::Failure;
use crate::framing::Framing;
use crate::hijack::{self, ApiHeaders};
use crate::reply;

/// `POST /containers/{id}/exec`
pub(crate) async fn create(ask: &Ask) -> Result<Reply, Failure> {
    let request: wire::CreateRequest = ask.json()?;
    let exec = CreateExec {
        user: request.user,
        privileged: request.privileged,
        tty: request.tty,
        console_size: request.console_size.filter(|_| ask.version().since(42)),
        attach_stdin: request.attach_stdin,
        attach_stdout: request.attach_stdout,
        attach_stderr: request.attach_stderr,
        detach_keys: Some(request.detach_keys).filter(|keys| !keys.is_empty()),
        env: request.env.unwrap_or_default(),
        working_dir: request.working_dir,
        cmd: request.cmd.unwrap_or_default(),
        owner: ask.view().owner.clone(),
    };
    let id = ask.engine.execs().create(ask.name(), exec).await?;
    Ok(reply::created(&wire::IdResponse { id: id.to_string() }))
}

/// `POST /exec/{id}/start`
pub(crate) async fn start(ask: &Ask) -> Result<Reply, Failure> {
    let request: wire::StartRequest = ask.json_or_default()?;
    let how = StartExec {
        detach: request.detach,
        tty: request.tty,
        console_size: request.console_size.filter(|_| ask.version().since(42)),
    };
    let content_type = |is_raw| hijack::content_type(ask.version(), is_raw, ask.wants_upgrade());
    match ask.engine.execs().start(ask.name(), how).await {
        Ok(None) => Ok(reply::empty(StatusCode::OK)),
        Ok(Some(stream)) => {
            let is_raw = stream.is_raw();
            let stream = Framing::new(stream, is_raw, request.tty);
            let content_type = content_type(request.tty);
            Ok(hijack::relayed(content_type, ApiHeaders::Sent, stream))
        }
        Err(error) if request.detach || is_told_first(&error) => Err(error.into()),
        Err(error) => Ok(hijack::last_words(
            content_type(request.tty),
            ApiHeaders::Sent,
            last_words(&error.to_string(), request.tty),
        )),
    }
}

/// What is wrong before the process is tried has a status. After that, clients have a stream
/// already and read the error from there.
fn is_told_first(error: &ExecError) -> bool {
    match error {
        ExecError::Lookup(_)
        | ExecError::NotFound(_)
        | ExecError::NotRunning(_)
        | ExecError::Paused(_)
        | ExecError::Restarting(_)
        | ExecError::NoCommand
        | ExecError::DetachKeys(_)
        | ExecError::Config(_) => true,
        ExecError::HasRun(_)
        | ExecError::IsRunning(_)
        | ExecError::User(_)
        | ExecError::Start(_)
        | ExecError::NotStarted
        | ExecError::Ended(_)
        | ExecError::Shim
        | ExecError::WorkingDir => false,
    }
}

fn last_words(message: &str, is_raw: bool) -> Vec<u8> {
    let line = format!("{message}\r\n");
    if is_raw {
        line.into_bytes()
    } else {
        stdcopy::frame(stdcopy::Stream::Stdout, line.as_bytes())
    }
}

/// `POST /exec/{id}/resize`
pub(crate) async fn resize(ask: &Ask) -> Result<Reply, Failure> {
    let (height, width) = window(ask)?;
    ask.engine.execs().resize(ask.name(), height, width).await?;
    Ok(reply::empty(StatusCode::OK))
}

/// `GET /exec/{id}/json`
pub(crate) fn inspect(ask: &Ask) -> Result<Reply, Failure> {
    let exec = ask.engine.execs().inspect(ask.name())?;
    let process = exec.process_config;
    Ok(reply::json(&wire::Inspect {
        id: exec.id.to_string(),
        running: exec.running,
        exit_code: exec.exit_code.map(i64::from),
        process_config: wire::ProcessConfig {
            tty: process.tty,
            entrypoint: process.entrypoint,
            arguments: process.arguments,
            privileged: Some(process.privileged),
            user: process.user,
        },
        open_stdin: exec.open_stdin,
        open_stderr: exec.open_stderr,
        open_stdout: exec.open_stdout,
        can_remove: exec.can_remove,
        container_id: exec.container_id.to_string(),
        detach_keys: exec.detach_keys,
        pid: i64::from(exec.pid),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_start_says_so_on_its_stream() {
        assert_eq!(last_words("no", true), b"no\r\n");
        assert_eq!(last_words("no", false), b"\x01\0\0\0\0\0\0\x04no\r\n");
    }
}
