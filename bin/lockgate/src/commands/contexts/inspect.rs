//! `context inspect`: all that is stored about contexts.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::args::{ContextInspectArgs, Globals};
use crate::commands::context::Context;
use crate::commands::{each, inspect};
use crate::contexts::{Contexts, Stored};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Shows contexts; without a name the current one.
pub(super) fn run(
    globals: &Globals,
    contexts: &Contexts,
    args: &ContextInspectArgs,
    out: &mut Output,
) -> Outcome {
    let mut names = args.names.clone();
    if names.is_empty() {
        names.push(Context::new(globals)?.client.endpoint().context.clone());
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in &names {
        match of(globals, contexts, name) {
            Ok(object) => found.push(object),
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    inspect::print(&found, args.format.as_deref().unwrap_or(""), out)?;
    each::finish(&failures)
}

/// A context by name; `default` is what the environment and the flags say.
pub(super) fn stored(
    globals: &Globals,
    contexts: &Contexts,
    name: &str,
) -> Result<Stored, Failure> {
    if name != "default" {
        return Ok(contexts.read(name)?);
    }
    let mut globals = globals.clone();
    globals.context = Some("default".to_owned()).filter(|_| globals.host.is_empty());
    let context = Context::new(&globals)?;
    let host = context.client.endpoint().url.clone();
    let meta = json!({
        "Name": "default",
        "Metadata": {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": false}},
    });
    Ok(Stored {
        meta,
        tls: Vec::new(),
    })
}

fn of(globals: &Globals, contexts: &Contexts, name: &str) -> Result<Box<RawValue>, Failure> {
    let stored = stored(globals, contexts, name)?;
    let mut tls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &stored.tls {
        tls.entry(&file.endpoint).or_default().push(&file.name);
    }
    let place = |path: std::path::PathBuf| match name {
        "default" => "<IN MEMORY>".to_owned(),
        _ => path.display().to_string(),
    };
    let part = |key: &str| stored.meta.get(key).cloned().unwrap_or_else(|| json!({}));
    // In docker's order, which an object of ours would not keep.
    let fields = [
        ("Name", Value::from(name)),
        ("Metadata", part("Metadata")),
        ("Endpoints", part("Endpoints")),
        ("TLSMaterial", json!(tls)),
        (
            "Storage",
            json!({
                "MetadataPath": place(contexts.meta_folder(name)),
                "TLSPath": place(contexts.tls_folder(name)),
            }),
        ),
    ];
    let fields = fields.map(|(key, value)| format!("{key:?}:{value}"));
    let text = format!("{{{}}}", fields.join(","));
    let raw: Result<Box<RawValue>, _> = serde_json::from_str(&text);
    raw.or_else(|_malformed| to_raw_value(&stored.meta))
        .map_err(|error| Failure::new(format!("{name} cannot be written as JSON: {error}")))
}
