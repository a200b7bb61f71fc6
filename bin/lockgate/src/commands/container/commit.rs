//! `commit`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::CommitArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `commit`.
pub(crate) async fn run(context: &Context, args: &CommitArgs, out: &mut Output) -> Outcome {
    let mut call = context
        .client
        .post("/commit")
        .query("container", args.container.as_str())
        .maybe("author", args.author.as_deref())
        .maybe("comment", args.message.as_deref());
    if let Some(image) = &args.image {
        let (repository, tag) = super::super::image::split_tag(image);
        call = call.query("repo", repository).maybe("tag", tag);
    }
    for change in &args.change {
        call = call.query("changes", change.as_str());
    }
    if !args.pause {
        call = call.query("pause", "0");
    }
    let answer: Value = call.json(&Value::Null)?.fetch().await?;
    out.line(View::new(&answer).text("Id"))?;
    Ok(0)
}
