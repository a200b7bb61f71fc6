//! `attach`.

use std::sync::Arc;

use super::super::context::Context;
use super::super::view::View;
use super::exit::wait;
use super::inspect;
use super::run::{open, over};
use crate::args::AttachArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::stream::{
    Ended, Resizable, Session, follow_size, forward_signals, stdin_is_terminal, stdout_is_terminal,
    window_size,
};

/// Runs `attach`.
pub(crate) async fn run(context: &Context, args: &AttachArgs, out: &mut Output) -> Outcome {
    let container = inspect(context, &args.container).await?;
    let container = View::new(&container);
    check(container.at("State"))?;
    let config = container.at("Config");
    let (id, tty) = (container.text("Id").to_owned(), config.is("Tty"));
    let stdin = !args.no_stdin && config.is("OpenStdin");
    if tty && stdin && !stdin_is_terminal() {
        return Err(Failure::new("the input device is not a TTY"));
    }
    let signals = (args.sig_proxy && !tty).then(|| forward_signals(&context.client, id.clone()));
    let waiting = wait(context, &id, "").await?;
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
    let size = if tty && stdout_is_terminal() {
        // A change of size makes the program draw its screen anew.
        let (rows, columns) = window_size();
        let odd = (rows.saturating_add(1), columns.saturating_add(1));
        Resizable::Container(id.clone())
            .set(&context.client, odd)
            .await;
        Some(follow_size(
            &Arc::clone(&context.client),
            Resizable::Container(id.clone()),
        ))
    } else {
        None
    };
    let ended = running.ended().await?;
    drop((size, signals));
    match ended {
        Ended::Detached => Err(Failure::new("read escape sequence")),
        other => over(other, waiting).await,
    }
}

fn check(state: View<'_>) -> Result<(), Failure> {
    let reason = if !state.is("Running") {
        "cannot attach to a stopped container, start it first"
    } else if state.is("Paused") {
        "cannot attach to a paused container, unpause it first"
    } else if state.is("Restarting") {
        "cannot attach to a restarting container, wait until it is running"
    } else {
        return Ok(());
    };
    Err(Failure::new(reason))
}
