//! `pull`, also on behalf of `run`.

use lockgate_types::ImageRef;

use super::super::context::Context;
use super::progress::show;
use crate::args::PullArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(crate) use super::progress::Shown;

/// Runs `pull`.
pub(crate) async fn run(context: &Context, args: &PullArgs, out: &mut Output) -> Outcome {
    let reference = ImageRef::parse(&args.name).map_err(|e| Failure::new(e.to_string()))?;
    if args.all_tags && super::split_tag(&args.name).1.is_some() {
        return Err(Failure::new("tag can't be used with --all-tags/-a"));
    }
    if !args.all_tags
        && !args.quiet
        && super::split_tag(&args.name).1.is_none()
        && !args.name.contains('@')
    {
        out.line("Using default tag: latest")?;
    }
    let shown = if args.quiet {
        Shown::Nowhere
    } else {
        Shown::OnStdout
    };
    let tag = if args.all_tags { Tag::All } else { Tag::One };
    fetch(
        context,
        &reference,
        tag,
        args.platform.as_deref(),
        shown,
        out,
    )
    .await?;
    out.line(if args.all_tags {
        reference.familiar_name()
    } else {
        reference.to_string()
    })?;
    Ok(0)
}

/// Which tags of a repository.
enum Tag {
    All,
    One,
}

/// Fetches one image.
pub(crate) async fn pull(
    context: &Context,
    name: &str,
    platform: Option<&str>,
    shown: Shown,
    out: &mut Output,
) -> Result<(), Failure> {
    let reference = ImageRef::parse(name).map_err(|error| Failure::new(error.to_string()))?;
    fetch(context, &reference, Tag::One, platform, shown, out).await
}

async fn fetch(
    context: &Context,
    reference: &ImageRef,
    tags: Tag,
    platform: Option<&str>,
    shown: Shown,
    out: &mut Output,
) -> Result<(), Failure> {
    let name = format!("{}/{}", reference.domain(), reference.path());
    let digest = reference.digest().map(ToString::to_string);
    let tag = match tags {
        Tag::All => None,
        Tag::One => digest.or_else(|| reference.tag().map(str::to_owned)),
    };
    let call = context
        .client
        .post("/images/create")
        .query("fromImage", name)
        .maybe("tag", tag)
        .maybe("platform", platform.filter(|platform| !platform.is_empty()))
        .header("x-registry-auth", context.registry_auth(reference));
    show(call.send().await?, shown, out).await
}
