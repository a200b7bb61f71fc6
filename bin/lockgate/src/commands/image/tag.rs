//! `tag`.

use lockgate_types::ImageRef;

use super::super::context::Context;
use super::path;
use crate::args::TagArgs;
use crate::failure::{Failure, Outcome};

/// Runs `tag`.
pub(crate) async fn run(context: &Context, args: &TagArgs) -> Outcome {
    let target = ImageRef::parse(&args.target).map_err(|reason| {
        let target = &args.target;
        Failure::new(format!(
            "Error parsing reference: {target:?} is not a valid repository/tag: {reason}"
        ))
    })?;
    if target.digest().is_some() {
        return Err(Failure::new(
            "refusing to create a tag with a digest reference",
        ));
    }
    let repository = format!("{}/{}", target.domain(), target.path());
    let call = context.client.post(path(&args.source, "tag"));
    call.query("repo", repository)
        .maybe("tag", target.tag())
        .act()
        .await?;
    Ok(0)
}
