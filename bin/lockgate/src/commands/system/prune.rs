//! `system prune`.

use serde_json::Value;

use super::super::context::Context;
use super::super::each::confirm;
use super::super::view::View;
use super::super::{container, image, network, volume};
use crate::args::{SystemPruneArgs, gather};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `system prune`: containers, networks, volumes if asked, images, build cache.
pub(crate) async fn run(context: &Context, args: &SystemPruneArgs, out: &mut Output) -> Outcome {
    let filters = gather(&args.filter);
    if args.volumes && filters.contains_key("until") {
        return Err(Failure::new(
            "ERROR: The \"until\" filter is not supported with \"--volumes\"",
        ));
    }
    if !args.force && !confirm(&warning(args), out)? {
        return Err(Failure::new("system prune has been cancelled"));
    }
    let mut reclaimed = 0.0;
    let answer = container::prune::prune(context, &filters).await?;
    reclaimed += container::prune::print(&answer, out)?;
    network::prune::print(&network::prune::prune(context, &filters).await?, out)?;
    if args.volumes {
        let answer = volume::prune::prune(context, &filters).await?;
        reclaimed += volume::prune::print(&answer, out)?;
    }
    let answer = image::prune::prune(context, filters.clone(), args.all).await?;
    reclaimed += image::prune::print(&answer, out)?;
    reclaimed += build_cache(context, args, out).await?;
    out.line(format!(
        "Total reclaimed space: {}",
        human_size(reclaimed, 4)
    ))?;
    Ok(0)
}

/// A daemon that builds nothing has no cache to prune, and that is no error here.
async fn build_cache(
    context: &Context,
    args: &SystemPruneArgs,
    out: &mut Output,
) -> Result<f64, Failure> {
    let filters = gather(&args.filter);
    let call = context.client.post("/build/prune").flag("all", args.all);
    let call = if filters.is_empty() {
        call.query("filters", "")
    } else {
        call.filters(&filters)
    };
    let answer: Value = match call.fetch().await {
        Ok(answer) => answer,
        Err(error) if matches!(error.status().map(|s| s.as_u16()), Some(404 | 501)) => {
            return Ok(0.0);
        }
        Err(error) => return Err(error.into()),
    };
    let answer = View::new(&answer);
    let gone = answer.texts("CachesDeleted");
    if !gone.is_empty() {
        out.line("Deleted build cache objects:")?;
        for id in gone {
            out.line(id)?;
        }
        out.line("")?;
    }
    Ok(answer.float("SpaceReclaimed"))
}

fn warning(args: &SystemPruneArgs) -> String {
    let mut lines = vec![
        "all stopped containers",
        "all networks not used by at least one container",
    ];
    if args.volumes {
        lines.push("all anonymous volumes not used by at least one container");
    }
    if args.all {
        lines.push("all images without at least one container associated to them");
        lines.push("all build cache");
    } else {
        lines.push("all dangling images");
        lines.push("unused build cache");
    }
    let list: Vec<String> = lines.iter().map(|line| format!("  - {line}\n")).collect();
    let filters: Vec<String> = args
        .filter
        .iter()
        .map(|(key, value)| format!("  - {key}={value}\n"))
        .collect();
    let filters = if filters.is_empty() {
        String::new()
    } else {
        format!(
            "\n  Items to be pruned will be filtered with:\n{}",
            filters.concat()
        )
    };
    format!(
        "WARNING! This will remove:\n{}{filters}\nAre you sure you want to continue?",
        list.concat()
    )
}
