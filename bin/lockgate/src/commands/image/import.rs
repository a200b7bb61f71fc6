//! `import`.

use std::io;

use super::super::context::Context;
use super::load::{chunks, open};
use super::progress::{Shown, show};
use crate::args::ImportArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `import`.
pub(crate) async fn run(context: &Context, args: &ImportArgs, out: &mut Output) -> Outcome {
    let is_url = args.source.contains("://");
    let mut call = context
        .client
        .post("/images/create")
        .query("fromSrc", if is_url { args.source.as_str() } else { "-" })
        .maybe("message", args.message.as_deref())
        .maybe(
            "platform",
            args.platform
                .as_deref()
                .filter(|platform| !platform.is_empty()),
        );
    call = call.maybe("repo", args.image.as_deref());
    for change in &args.change {
        call = call.query("changes", change.as_str());
    }
    if !is_url {
        let source = if args.source == "-" {
            Box::new(io::stdin())
        } else {
            open(&args.source)?
        };
        call = call.stream("text/plain", chunks(source));
    }
    show(call.send().await?, Shown::OnStdout, out).await?;
    Ok(0)
}
