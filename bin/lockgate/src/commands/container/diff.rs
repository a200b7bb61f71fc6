//! `diff`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::path;
use crate::args::DiffArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `diff`.
pub(crate) async fn run(context: &Context, args: &DiffArgs, out: &mut Output) -> Outcome {
    let answer: Value = context
        .client
        .get(path(&args.container, "changes"))
        .fetch()
        .await?;
    for change in View::new(&answer).items() {
        let kind = match change.int("Kind") {
            0 => 'C',
            1 => 'A',
            _ => 'D',
        };
        out.line(format!("{kind} {}", change.text("Path")))?;
    }
    Ok(0)
}
