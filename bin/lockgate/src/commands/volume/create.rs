//! `volume create`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::VolumeCreateArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::env::{self, BareName};

/// The body of `POST /volumes/create`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::commands) struct VolumeBody<'a> {
    driver: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    driver_opts: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

/// Runs `volume create`.
pub(crate) async fn run(context: &Context, args: &VolumeCreateArgs, out: &mut Output) -> Outcome {
    let body = body(args)?;
    let answer: Value = context
        .client
        .post("/volumes/create")
        .json(&body)?
        .fetch()
        .await?;
    out.line(View::new(&answer).text("Name"))?;
    Ok(0)
}

/// The body of the call.
pub(in crate::commands) fn body(args: &VolumeCreateArgs) -> Result<VolumeBody<'_>, Failure> {
    if args.name.is_some() && args.volume.is_some() {
        return Err(Failure::new(
            "conflicting options: cannot specify a volume-name through both --name and as a \
             positional arg",
        ));
    }
    let name = args
        .volume
        .as_deref()
        .or(args.name.as_deref())
        .unwrap_or("");
    let labels = env::gather(&[], &args.label, BareName::AsItIs).map_err(Failure::new)?;
    Ok(VolumeBody {
        driver: &args.driver,
        driver_opts: env::to_map(&args.opt),
        labels: env::to_map(&labels),
        name,
    })
}
