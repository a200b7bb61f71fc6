//! `commit`.

use lockgate_types::ImageRef;
use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::CommitArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs `commit`.
pub(crate) async fn run(context: &Context, args: &CommitArgs, out: &mut Output) -> Outcome {
    let (repository, tag) = match &args.image {
        Some(image) => {
            let parsed = ImageRef::parse(image).map_err(|error| Failure::new(error.to_string()))?;
            let tag = parsed.tag().unwrap_or_default().to_owned();
            (format!("{}/{}", parsed.domain(), parsed.path()), tag)
        }
        None => (String::new(), String::new()),
    };
    let mut call = context
        .client
        .post("/commit")
        .query("container", args.container.as_str())
        .query("author", args.author.as_deref().unwrap_or(""))
        .query("comment", args.message.as_deref().unwrap_or(""))
        .query("repo", repository)
        .query("tag", tag);
    for change in &args.change {
        call = call.query("changes", change.as_str());
    }
    if !args.pause {
        call = call.query("pause", "0");
    }
    let answer: Value = call.fetch().await?;
    out.line(View::new(&answer).text("Id"))?;
    Ok(0)
}
