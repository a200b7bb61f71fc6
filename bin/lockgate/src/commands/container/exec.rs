//! `exec`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::exit::as_exit_status;
use super::{inspect, path};
use crate::args::ExecArgs;
use crate::client::call_path;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::env::{self, BareName};
use crate::stream::{
    Ended, Resizable, Session, follow_size, stdin_is_terminal, stdout_is_terminal, window_size,
};

/// The body of `POST /containers/{name}/exec`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExecBody<'a> {
    user: &'a str,
    privileged: bool,
    tty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_size: Option<[u16; 2]>,
    attach_stdin: bool,
    attach_stderr: bool,
    attach_stdout: bool,
    detach: bool,
    detach_keys: &'a str,
    env: Option<Vec<String>>,
    working_dir: &'a str,
    cmd: &'a [String],
}

/// The body of `POST /exec/{id}/start`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartBody {
    detach: bool,
    tty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_size: Option<[u16; 2]>,
}

/// Runs `exec`.
pub(crate) async fn run(context: &Context, args: &ExecArgs, out: &mut Output) -> Outcome {
    let Some((container, command)) = args.words.split_first() else {
        return Err(Failure::new("exec needs a container and a command"));
    };
    let variables = env::gather(&args.env_file, &args.env, BareName::FromEnvironment);
    let variables = variables.map_err(Failure::new)?;
    // A container that is not there is told before a terminal that is not.
    inspect(context, container).await?;
    if !args.detach && args.tty && args.interactive && !stdin_is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    let is_attached = !args.detach;
    let console_size = (is_attached && args.tty).then(|| <[u16; 2]>::from(window_size()));
    let body = ExecBody {
        user: args.user.as_deref().unwrap_or(""),
        privileged: args.privileged,
        tty: args.tty,
        console_size,
        attach_stdin: is_attached && args.interactive,
        attach_stderr: is_attached,
        attach_stdout: is_attached,
        detach: args.detach,
        detach_keys: keys(context, args),
        env: (!variables.is_empty()).then_some(variables),
        working_dir: args.workdir.as_deref().unwrap_or(""),
        cmd: command,
    };
    let created: Value = context
        .client
        .post(path(container, "exec"))
        .json(&body)?
        .fetch()
        .await?;
    let id = View::new(&created).text("Id");
    if id.is_empty() {
        return Err(Failure::new("exec ID empty"));
    }
    let start = StartBody {
        detach: args.detach,
        tty: args.tty,
        console_size,
    };
    let call = context
        .client
        .post(format!("/exec/{}/start", call_path(id)))
        .json(&start)?;
    if args.detach {
        call.act().await?;
        return Ok(0);
    }
    let hijacked = context.client.hijack(call).await?;
    let session = session(context, args)?;
    out.flush()?;
    let size = (args.tty && stdout_is_terminal())
        .then(|| follow_size(&Arc::clone(&context.client), Resizable::Exec(id.to_owned())));
    let ended = session.start(hijacked).ended().await?;
    drop(size);
    match ended {
        Ended::Detached => Err(Failure::new("read escape sequence")),
        Ended::Output => exit_status(context, id).await,
        Ended::Killed(_) => Ok(ended.status().unwrap_or(0)),
    }
}

fn keys<'a>(context: &'a Context, args: &'a ExecArgs) -> &'a str {
    args.detach_keys
        .as_deref()
        .or(context.config.detach_keys.as_deref())
        .unwrap_or("")
}

fn session(context: &Context, args: &ExecArgs) -> Result<Session, Failure> {
    Ok(Session {
        stdin: args.interactive,
        stdout: true,
        stderr: true,
        terminal: args.tty,
        detach_keys: context.detach_keys(args.detach_keys.as_deref())?,
        forwards_signals: false,
    })
}

async fn exit_status(context: &Context, id: &str) -> Outcome {
    let told = context
        .client
        .get(format!("/exec/{}/json", call_path(id)))
        .fetch::<Value>()
        .await;
    match told {
        Ok(exec) => Ok(as_exit_status(View::new(&exec).int("ExitCode"))),
        // A daemon that went away took the command with it.
        Err(error) if error.is_connection() => Ok(255),
        Err(error) => Err(error.into()),
    }
}
