//! `logs`.

use super::super::context::Context;
use super::super::view::View;
use super::{inspect, path};
use crate::args::LogsArgs;
use crate::failure::{Failure, Outcome};
use crate::format::time::timestamp;
use crate::output::Output;
use crate::stream::copy_logs;

/// Runs `logs`.
pub(crate) async fn run(context: &Context, args: &LogsArgs, out: &mut Output) -> Outcome {
    let container = inspect(context, &args.container).await?;
    let container = View::new(&container);
    let moment = |flag: &str, text: &Option<String>| match text.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => timestamp(text).map(Some).map_err(|_reason| {
            Failure::new(format!(
                "invalid value for {flag:?}: failed to parse value as time or duration: {text:?}"
            ))
        }),
    };
    let call = context
        .client
        .get(path(container.text("Id"), "logs"))
        .query("stdout", "1")
        .query("stderr", "1")
        .maybe("since", moment("since", &args.since)?)
        .maybe("until", moment("until", &args.until)?)
        .flag("timestamps", args.timestamps)
        .flag("details", args.details)
        .flag("follow", args.follow)
        .query("tail", args.tail.as_str());
    out.flush()?;
    let answer = call.send().await?;
    copy_logs(answer, !container.at("Config").is("Tty")).await?;
    Ok(0)
}
