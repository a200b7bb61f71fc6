//! `top`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::path;
use crate::args::TopArgs;
use crate::failure::Outcome;
use crate::format::align_wide;
use crate::output::Output;

/// Runs `top`.
pub(crate) async fn run(context: &Context, args: &TopArgs, out: &mut Output) -> Outcome {
    let (container, options) = args
        .words
        .split_first()
        .map_or(("", &[][..]), |(c, o)| (c, o));
    let options = Some(options.join(" ")).filter(|options| !options.is_empty());
    let call = context
        .client
        .get(path(container, "top"))
        .maybe("ps_args", options);
    let answer: Value = call.fetch().await?;
    let answer = View::new(&answer);
    let mut text = answer.texts("Titles").join("\t") + "\n";
    for process in answer.list("Processes") {
        let cells: Vec<&str> = process.items().map(View::as_text).collect();
        text += &(cells.join("\t") + "\n");
    }
    out.text(align_wide(&text))?;
    Ok(0)
}
