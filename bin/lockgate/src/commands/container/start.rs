//! `start`.

use std::sync::Arc;

use super::super::context::Context;
use super::super::view::View;
use super::exit::wait;
use super::run::{open, over};
use super::{inspect, path};
use crate::args::StartArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::stream::{
    Resizable, Session, follow_size, forward_signals, stdin_is_terminal, stdout_is_terminal,
};

/// Runs `start`.
pub(crate) async fn run(context: &Context, args: &StartArgs, out: &mut Output) -> Outcome {
    if !(args.attach || args.interactive) {
        return start_all(context, args, out).await;
    }
    let [container] = args.containers.as_slice() else {
        return Err(Failure::new(
            "you cannot start and attach multiple containers at once",
        ));
    };
    start_attached(context, args, container, out).await
}

async fn start_all(context: &Context, args: &StartArgs, out: &mut Output) -> Outcome {
    let mut failed: Vec<&str> = Vec::new();
    for name in &args.containers {
        match context.client.post(path(name, "start")).act().await {
            Ok(_) => {
                out.line(name)?;
                out.flush()?;
            }
            Err(error) => {
                out.note(error.to_string())?;
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(0);
    }
    let names = failed.join(", ");
    Err(Failure::new(format!(
        "Error: failed to start containers: {names}"
    )))
}

async fn start_attached(
    context: &Context,
    args: &StartArgs,
    name: &str,
    out: &mut Output,
) -> Outcome {
    let container = inspect(context, name).await?;
    let container = View::new(&container);
    let config = container.at("Config");
    let (id, tty) = (container.text("Id").to_owned(), config.is("Tty"));
    let stdin = args.interactive && config.is("OpenStdin");
    if tty && stdin && !stdin_is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    let signals = (!tty).then(|| forward_signals(&context.client, id.clone()));
    let session = Session {
        stdin,
        stdout: true,
        stderr: true,
        terminal: tty,
        detach_keys: context.detach_keys(args.detach_keys.as_deref())?,
        forwards_signals: signals.is_some(),
    };
    let hijacked = open(context, &id, &session, args.detach_keys.as_deref()).await?;
    out.flush()?;
    let mut running = session.start(hijacked);
    let removed = container.at("HostConfig").is("AutoRemove");
    let waiting = wait(context, &id, if removed { "removed" } else { "next-exit" }).await?;
    if let Err(error) = context.client.post(path(&id, "start")).act().await {
        running.cancel().await;
        return Err(error.into());
    }
    let size = (tty && stdout_is_terminal()).then(|| {
        follow_size(
            &Arc::clone(&context.client),
            Resizable::Container(id.clone()),
        )
    });
    let ended = running.ended().await?;
    drop((size, signals));
    over(ended, waiting).await
}
