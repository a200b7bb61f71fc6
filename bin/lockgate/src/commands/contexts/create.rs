//! `context create`, `context update`: a name for a daemon and the files of its TLS.

use std::path::Path;

use serde_json::{Value, json};

use super::inspect::stored;
use crate::args::{ContextCreateArgs, ContextUpdateArgs, Globals};
use crate::client::parse_host;
use crate::config::go_error;
use crate::contexts::{ContextError, Contexts, Stored, TlsFile, check_name};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Makes a context.
pub(super) fn create(
    globals: &Globals,
    contexts: &Contexts,
    args: &ContextCreateArgs,
    out: &mut Output,
) -> Outcome {
    check_name(&args.name)?;
    if contexts.has(&args.name) {
        return Err(ContextError::Exists(args.name.clone()).into());
    }
    let mut made = match (&args.from, args.docker.is_empty()) {
        (Some(_), false) => {
            return Err(Failure::new("cannot use --docker flag when --from is set"));
        }
        (Some(from), true) => stored(globals, contexts, from)?,
        (None, true) => stored(globals, contexts, "default")?,
        (None, false) => endpoint(contexts, &args.docker)?,
    };
    describe(&mut made.meta, args.description.as_deref());
    contexts.create(&args.name, &made)?;
    out.line(&args.name)?;
    out.note(format!("Successfully created context {:?}", args.name))?;
    Ok(0)
}

/// Changes one.
pub(super) fn update(contexts: &Contexts, args: &ContextUpdateArgs, out: &mut Output) -> Outcome {
    check_name(&args.name)?;
    let mut changed = contexts.read(&args.name)?;
    if !args.docker.is_empty() {
        let new = endpoint(contexts, &args.docker)?;
        if let Some(object) = changed.meta.as_object_mut() {
            let endpoints = object.entry("Endpoints").or_insert_with(|| json!({}));
            if let Some(endpoints) = endpoints.as_object_mut() {
                endpoints.insert("docker".to_owned(), new.meta["Endpoints"]["docker"].clone());
            }
        }
        changed.tls.retain(|file| file.endpoint != "docker");
        changed.tls.extend(new.tls);
    }
    describe(&mut changed.meta, args.description.as_deref());
    contexts.write(&args.name, &changed)?;
    out.line(&args.name)?;
    out.note(format!("Successfully updated context {:?}", args.name))?;
    Ok(0)
}

fn describe(meta: &mut Value, description: Option<&str>) {
    if let (Some(text), Some(object)) = (description, meta.as_object_mut()) {
        let metadata = object.entry("Metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("Description".to_owned(), text.into());
        }
    }
}

/// `host=…,ca=…,cert=…,key=…,skip-tls-verify=…`, or `from=CONTEXT`.
fn endpoint(contexts: &Contexts, pairs: &[(String, String)]) -> Result<Stored, Failure> {
    let failed =
        |reason: String| Failure::new(format!("unable to create docker endpoint config: {reason}"));
    let known = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        return Err(failed(format!("unrecognized config key: {key}")));
    }
    let value = |key: &str| {
        let found = pairs.iter().rev().find(|(known, _)| known == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    if let Some(from) = value("from") {
        let from = contexts.read(from)?;
        let docker = from.meta["Endpoints"]["docker"].clone();
        let tls = from
            .tls
            .into_iter()
            .filter(|file| file.endpoint == "docker")
            .collect();
        let meta = json!({"Metadata": {}, "Endpoints": {"docker": docker}});
        return Ok(Stored { meta, tls });
    }
    let skip = match value("skip-tls-verify") {
        None => false,
        Some(text) => crate::args::boolean(text)
            .map_err(|reason| failed(format!("skip-tls-verify: {reason}")))?,
    };
    let host = value("host").unwrap_or_default();
    let is_bare = !host.is_empty() && !host.contains("://");
    if is_bare || parse_host(host, false).is_err() {
        return Err(failed(format!(
            "unable to apply docker endpoint options: unable to parse docker host `{host}`"
        )));
    }
    let mut tls = Vec::new();
    for (key, name) in [("ca", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem")] {
        if let Some(path) = value(key) {
            tls.push(TlsFile {
                endpoint: "docker".to_owned(),
                name: name.to_owned(),
                bytes: read(Path::new(path)).map_err(failed)?,
            });
        }
    }
    let meta = json!({
        "Metadata": {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": skip}},
    });
    Ok(Stored { meta, tls })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("open {}: {}", path.display(), go_error(&e)))
}
