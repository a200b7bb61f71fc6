//! `lockgate policy learn`: from what an identity does to the least role for it.

use std::time::Duration;

use lockgate_access::Lesson;
use serde_json::value::RawValue;

use crate::args::LearnArgs;
use crate::commands::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::units::parse_duration;

/// Watches until the time is over, somebody presses Ctrl-C or the daemon ends; then prints what was learnt.
pub(in crate::commands) async fn run(
    context: &Context,
    args: &LearnArgs,
    out: &mut Output,
) -> Outcome {
    let nanoseconds = parse_duration(&args.time).map_err(Failure::new)?;
    let time = u64::try_from(nanoseconds)
        .ok()
        .filter(|time| *time > 0)
        .ok_or_else(|| Failure::new(format!("--for {}: a time to come is needed", args.time)))?;
    let call = context.client.get("/lockgate/observe");
    let call = call.query("identity", args.identity.as_str());
    let mut lines = call.send().await?.lines();
    out.note(format!(
        "watching {} for {}; Ctrl-C ends it earlier",
        args.identity, args.time
    ))?;
    let mut lesson = Lesson::default();
    let mut end = std::pin::pin!(over(Duration::from_nanos(time)));
    loop {
        let line = tokio::select! {
            line = lines.next::<Box<RawValue>>() => line?,
            () = &mut end => break,
        };
        let Some(line) = line else {
            out.note("the daemon ended the conversation")?;
            break;
        };
        lesson
            .add(line.get(), args.with_denied)
            .map_err(|error| Failure::new(error.to_string()))?;
    }
    if lesson.is_empty() {
        let nothing = Failure::new(format!("{} did nothing that can be learnt", args.identity));
        return Err(nothing.hint("is that its name? `lockgate audit tail` shows who does what"));
    }
    let role = args.role.clone().unwrap_or_else(|| name(&args.identity));
    let text = lesson
        .role(&role)
        .map_err(|error| Failure::new(format!("the role cannot be written: {error}")))?;
    out.text(text)?;
    Ok(0)
}

async fn over(time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        // Without it the time alone ends it.
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// `cn=ci` and `ci` are both of the name `ci`.
fn name(identity: &str) -> String {
    identity
        .split_once('=')
        .map_or(identity, |(_, name)| name)
        .to_owned()
}
