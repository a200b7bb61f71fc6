//! `run`: create, attach, wait, start, copy, and end as the container ends.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::context::Context;
use super::create::create;
use super::exit::{joined, not_run, refused, wait};
use super::path;
use crate::args::RunArgs;
use crate::client::{ClientError, Hijacked};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::{self, CreateBody};
use crate::stream::{
    Ended, Resizable, Running, Session, follow_size, forward_signals, stdin_is_terminal,
    stdout_is_terminal, window_size,
};

/// Runs `run`.
pub(crate) async fn run(context: &Context, args: &RunArgs, out: &mut Output) -> Outcome {
    let mut body = spec::build(args).map_err(|reason| refused("run", &reason))?;
    // Keys that mean nothing are found before there is a container.
    context.detach_keys(args.given("detach-keys"))?;
    if args.is("detach") {
        detach(args, &mut body)?;
    } else if body.config.tty && body.config.attach_stdin && !stdin_is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    let (rows, columns) = window_size();
    body.host_config.console_size = [u32::from(rows), u32::from(columns)];
    let id = create(context, args, &body, out)
        .await
        .map_err(|e| e.told_by("run"))?;
    let signals = args
        .is("sig-proxy")
        .then(|| forward_signals(&context.client, id.clone()));
    let outcome = start(context, args, &body, &id, out).await;
    drop(signals);
    outcome
}

fn detach(args: &RunArgs, body: &mut CreateBody) -> Result<(), Failure> {
    if !args.list("attach").is_empty() {
        return Err(Failure::new(
            "conflicting options: cannot specify both --attach and --detach",
        ));
    }
    body.config.attach_stdin = false;
    body.config.attach_stdout = false;
    body.config.attach_stderr = false;
    body.config.stdin_once = false;
    Ok(())
}

async fn start(
    context: &Context,
    args: &RunArgs,
    body: &CreateBody,
    id: &str,
    out: &mut Output,
) -> Outcome {
    let config = &body.config;
    let is_attached = config.attach_stdin || config.attach_stdout || config.attach_stderr;
    let running = if is_attached {
        Some(attach(context, args, body, id).await?)
    } else {
        None
    };
    let condition = if body.host_config.auto_remove {
        "removed"
    } else {
        "next-exit"
    };
    out.flush()?;
    let waiting = wait(context, id, condition).await?;
    let started = context.client.post(path(id, "start")).act().await;
    if let Err(error) = started {
        if let Some(running) = running {
            running.cancel().await;
        }
        if body.host_config.auto_remove {
            // The daemon removes what it could not start.
            joined(waiting).await.unwrap_or_default();
        }
        return Err(not_run("run", &error.to_string()));
    }
    let Some(mut running) = running else {
        out.line(id)?;
        return Ok(0);
    };
    let size = (config.tty && stdout_is_terminal()).then(|| {
        follow_size(
            &Arc::clone(&context.client),
            Resizable::Container(id.to_owned()),
        )
    });
    let ended = running.ended().await?;
    drop(size);
    over(ended, waiting).await
}

async fn attach(
    context: &Context,
    args: &RunArgs,
    body: &CreateBody,
    id: &str,
) -> Result<Running, Failure> {
    let config = &body.config;
    let session = Session {
        stdin: config.attach_stdin,
        stdout: config.attach_stdout,
        stderr: config.attach_stderr,
        terminal: config.tty,
        detach_keys: context.detach_keys(args.given("detach-keys"))?,
        forwards_signals: args.is("sig-proxy"),
    };
    let hijacked = open(context, id, &session, args.given("detach-keys")).await?;
    Ok(session.start(hijacked))
}

/// Ends as the container ends, or without it.
pub(crate) async fn over(ended: Ended, waiting: JoinHandle<Outcome>) -> Outcome {
    match ended {
        Ended::Output => joined(waiting).await,
        other => Ok(other.status().unwrap_or(0)),
    }
}

/// Takes over a connection to a container's stdio.
pub(crate) async fn open(
    context: &Context,
    id: &str,
    session: &Session,
    detach_keys: Option<&str>,
) -> Result<Hijacked, ClientError> {
    let keys = detach_keys.or(context.config.detach_keys.as_deref());
    let call = context
        .client
        .post(path(id, "attach"))
        .query("stream", "1")
        .flag("stdin", session.stdin)
        .flag("stdout", session.stdout)
        .flag("stderr", session.stderr)
        .maybe("detachKeys", keys.filter(|keys| !keys.is_empty()));
    context.client.hijack(call).await
}
