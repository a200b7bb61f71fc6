//! `lockgate elevate`: a role for a time, over the daemon's unix socket alone.

use serde::Deserialize;
use serde_json::json;

use super::context::Context;
use crate::args::ElevateArgs;
use crate::failure::{Failure, Outcome};
use crate::format::align;
use crate::output::Output;
use crate::spec::units::parse_duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Elevation {
    #[serde(rename = "ID")]
    id: String,
    who: String,
    role: String,
    by: String,
    until: String,
}

/// Lends, lists or takes back.
pub(crate) async fn run(context: &Context, args: &ElevateArgs, out: &mut Output) -> Outcome {
    if let Some(id) = &args.end {
        let path = format!("/lockgate/elevations/{id}");
        context.client.delete(path).act().await?;
        out.line(id)?;
        return Ok(0);
    }
    let (Some(who), Some(role), false) = (&args.who, &args.role, args.list) else {
        return list(context, out).await;
    };
    let nanoseconds = parse_duration(&args.time).map_err(Failure::new)?;
    let asked = json!({"Who": who, "Role": role, "Seconds": nanoseconds.max(0) / 1_000_000_000});
    let call = context.client.post("/lockgate/elevations").json(&asked)?;
    let lent: Elevation = call.fetch().await?;
    out.line(format!(
        "{} has the role {} until {}",
        lent.who, lent.role, lent.until
    ))?;
    out.note(format!(
        "take it back earlier with: lockgate elevate --end {}",
        lent.id
    ))?;
    Ok(0)
}

async fn list(context: &Context, out: &mut Output) -> Outcome {
    let all: Vec<Elevation> = context.client.get("/lockgate/elevations").fetch().await?;
    let mut text = "ID\tIDENTITY\tROLE\tUNTIL\tLENT BY\n".to_owned();
    for lent in all {
        let row = [lent.id, lent.who, lent.role, lent.until, lent.by];
        text.push_str(&row.join("\t"));
        text.push('\n');
    }
    out.text(align(&text))?;
    Ok(0)
}
