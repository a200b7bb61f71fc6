//! `events`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::{EventsArgs, gather};
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::format::{Template, json, time, value_of};
use crate::output::Output;

/// Runs `events`.
pub(crate) async fn run(context: &Context, args: &EventsArgs, out: &mut Output) -> Outcome {
    let format = args.format.as_deref().unwrap_or("");
    let is_json = matches!(format, "json" | "{{json .}}");
    let template = if format.is_empty() || is_json {
        None
    } else {
        Some(
            Template::parse(&format.replace("\\t", "\t")).map_err(|error| {
                Failure::new(format!("Error parsing format: {error}")).status(64)
            })?,
        )
    };
    let moment = |text: &Option<String>| match text.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => time::timestamp(text).map(Some).map_err(|_reason| {
            Failure::new(format!(
                "failed to parse value as time or duration: {text:?}"
            ))
        }),
    };
    let call = context
        .client
        .get("/events")
        .maybe("since", moment(&args.since)?)
        .maybe("until", moment(&args.until)?)
        .filters(&gather(&args.filter));
    let mut answer = call.send().await?.lines();
    while let Some(event) = answer.next::<Box<serde_json::value::RawValue>>().await? {
        let value: Value = serde_json::from_str(event.get())
            .map_err(|error| ClientError::Answer(error.to_string()))?;
        let line = match &template {
            None if is_json => json::escape_html(&json::shrink(event.get())),
            None => line(View::new(&value)),
            Some(template) => template.render(value_of(&value))?,
        };
        out.line(line)?;
        out.flush()?;
    }
    Ok(0)
}

/// `TIME container start ID (image=…, name=…)`.
fn line(event: View<'_>) -> String {
    let nanoseconds = match event.int("timeNano") {
        0 => event.int("time").saturating_mul(1_000_000_000),
        exact => exact,
    };
    let actor = event.at("Actor");
    let mut text = format!(
        "{} {} {} {}",
        time::rfc3339_nano(nanoseconds),
        event.text("Type"),
        event.text("Action"),
        actor.text("ID")
    );
    let attributes: Vec<String> = actor
        .text_map("Attributes")
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if !attributes.is_empty() {
        text += &format!(" ({})", attributes.join(", "));
    }
    text
}
