//! `inspect`, and its forms for one kind of object.

use serde_json::Value;
use serde_json::value::RawValue;

use super::context::Context;
use crate::args::{
    ImageInspectArgs, InspectArgs, InspectOneArgs, NetworkInspectArgs, VolumeInspectArgs,
};
use crate::client::{Call, ClientError, call_path};
use crate::failure::{Failure, Outcome};
use crate::format::{Template, json, plain_path, value_of};
use crate::output::Output;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Container,
    Image,
    Network,
    Volume,
    Plugin,
}

/// Options of the request.
#[derive(Clone, Debug, Default)]
struct Options {
    size: bool,
    verbose: bool,
    platform: Option<String>,
}

/// Runs `inspect`.
pub(crate) async fn run(context: &Context, args: &InspectArgs, out: &mut Output) -> Outcome {
    let kinds: &[Kind] = match args.kind.as_deref() {
        None | Some("") => &[
            Kind::Container,
            Kind::Image,
            Kind::Network,
            Kind::Volume,
            Kind::Plugin,
        ],
        Some("container") => &[Kind::Container],
        Some("image") => &[Kind::Image],
        Some("network") => &[Kind::Network],
        Some("volume") => &[Kind::Volume],
        Some("plugin") => &[Kind::Plugin],
        Some(other) => {
            return Err(Failure::new(format!(
                "unknown type: {other:?}: must be one of \"container\", \"image\", \"network\", \
                 \"plugin\", \"volume\""
            )));
        }
    };
    let options = Options {
        size: args.size,
        ..Options::default()
    };
    show(
        context,
        kinds,
        &options,
        &args.names,
        args.format.as_deref(),
        out,
    )
    .await
}

/// Runs `container inspect`.
pub(crate) async fn containers(
    context: &Context,
    args: &InspectOneArgs,
    out: &mut Output,
) -> Outcome {
    let options = Options {
        size: args.size,
        ..Options::default()
    };
    show(
        context,
        &[Kind::Container],
        &options,
        &args.names,
        args.format.as_deref(),
        out,
    )
    .await
}

/// Runs `image inspect`.
pub(crate) async fn images(
    context: &Context,
    args: &ImageInspectArgs,
    out: &mut Output,
) -> Outcome {
    let platform = args
        .platform
        .as_deref()
        .map(super::image::platform)
        .transpose()?;
    let platform = platform.map(|platform| platform.to_string());
    let options = Options {
        platform,
        ..Options::default()
    };
    show(
        context,
        &[Kind::Image],
        &options,
        &args.names,
        args.format.as_deref(),
        out,
    )
    .await
}

/// Runs `network inspect`.
pub(crate) async fn networks(
    context: &Context,
    args: &NetworkInspectArgs,
    out: &mut Output,
) -> Outcome {
    let options = Options {
        verbose: args.verbose,
        ..Options::default()
    };
    show(
        context,
        &[Kind::Network],
        &options,
        &args.names,
        args.format.as_deref(),
        out,
    )
    .await
}

/// Runs `volume inspect`.
pub(crate) async fn volumes(
    context: &Context,
    args: &VolumeInspectArgs,
    out: &mut Output,
) -> Outcome {
    let options = Options::default();
    show(
        context,
        &[Kind::Volume],
        &options,
        &args.names,
        args.format.as_deref(),
        out,
    )
    .await
}

async fn show(
    context: &Context,
    kinds: &[Kind],
    options: &Options,
    names: &[String],
    format: Option<&str>,
    out: &mut Output,
) -> Outcome {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match find(context, kinds, options, name).await {
            Ok(object) => found.push(object),
            Err(reason) => failures.push(reason),
        }
    }
    print(&found, format.unwrap_or(""), out)?;
    super::each::finish(&failures)
}

/// Looks for an object of each kind in turn.
async fn find(
    context: &Context,
    kinds: &[Kind],
    options: &Options,
    name: &str,
) -> Result<Box<RawValue>, String> {
    let mut last = String::new();
    for kind in kinds {
        match call(context, *kind, options, name).fetch().await {
            Ok(object) => return Ok(object),
            Err(error) if means_look_elsewhere(*kind, kinds, &error) => last = error.to_string(),
            Err(error) => return Err(error.to_string()),
        }
    }
    if let [_only] = kinds {
        Err(last)
    } else {
        Err(format!("Error: No such object: {name}"))
    }
}

/// A daemon without plugins need not know how to look for one.
fn means_look_elsewhere(kind: Kind, kinds: &[Kind], error: &ClientError) -> bool {
    error.is_not_found() || (kind == Kind::Plugin && kinds.len() > 1 && error.status().is_some())
}

fn call<'c>(context: &'c Context, kind: Kind, options: &Options, name: &str) -> Call<'c> {
    let name = call_path(name);
    let get = |path: String| context.client.get(path);
    match kind {
        Kind::Container => get(format!("/containers/{name}/json")).flag("size", options.size),
        Kind::Image => {
            get(format!("/images/{name}/json")).maybe("platform", options.platform.as_deref())
        }
        Kind::Network => {
            get(format!("/networks/{name}")).maybe("verbose", options.verbose.then_some("true"))
        }
        Kind::Volume => get(format!("/volumes/{name}")),
        Kind::Plugin => get(format!("/plugins/{name}/json")),
    }
}

/// Prints objects as a list, or each by a template.
pub(super) fn print(
    objects: &[Box<RawValue>],
    format: &str,
    out: &mut Output,
) -> Result<(), Failure> {
    if format.is_empty() || format == "json" {
        let all: Vec<&str> = objects.iter().map(|object| object.get()).collect();
        let all = format!("[{}]", all.join(","));
        out.line(if format == "json" {
            json::shrink(&all)
        } else {
            json::indent(&all)
        })?;
        return Ok(());
    }
    let format = format.replace("\\t", "\t").replace("\\n", "\n");
    let template = Template::parse(&format).map_err(|error| {
        Failure::new(format!(
            "template parsing error: {}",
            without_prefix(&error.to_string())
        ))
        .status(64)
    })?;
    for object in objects {
        if let Some(text) = plain_path(&format).and_then(|path| json::at(object.get(), &path)) {
            out.line(json::escape_html(&json::shrink(&text)))?;
            continue;
        }
        let value: Value = serde_json::from_str(object.get())
            .map_err(|error| ClientError::Answer(error.to_string()))?;
        match template.render(value_of(&value)) {
            Ok(text) => out.line(text)?,
            Err(error) => {
                out.line("")?;
                return Err(Failure::new(format!("template parsing error: {error}")));
            }
        }
    }
    Ok(())
}

fn without_prefix(text: &str) -> &str {
    text.strip_prefix("failed to parse template: ")
        .unwrap_or(text)
}
