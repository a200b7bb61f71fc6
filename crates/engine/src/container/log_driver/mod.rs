//! Log drivers: what `HostConfig.LogConfig` may say, and what the shim is told to do about it.
//!
//! | driver | kept where | `docker logs` reads |
//! | --- | --- | --- |
//! | `json-file` | `<id>-json.log` | that |
//! | `local` | `local-logs/container.log`, rotated and compressed | that |
//! | `syslog`, `fluentd`, `gelf`, `journald` | shipped by `lockgate-log` | `container-cached.log`, unless `cache-disabled` |
//! | `none` | nowhere | nothing |

mod options;
mod tag;

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_runtime::protocol::{LogSetup, LogTarget, RemoteLog};

use super::handle::Container;
use super::record::Record;
use crate::engine::Inner;

pub(super) use options::check;
use options::{Files, Options, is_true, size};

/// Bytes that wait in the mode `non-blocking`, unless it is said.
const BUFFER: u64 = 1_000_000;
const LOCAL: Files = Files {
    max_size: Some(20 << 20),
    max_file: 5,
    compress: true,
};

/// What the shim is to do with a container's output; the error is dockerd's text.
pub(super) fn target(
    engine: &Inner,
    container: &Container,
    record: &Record,
) -> Result<LogTarget, String> {
    let log = &record.host_config.log_config;
    let none = BTreeMap::new();
    let options = Options(log.config.as_ref().unwrap_or(&none));
    let program = engine.config.shim_path.with_file_name("lockgate-log");
    let file = |path: PathBuf, files: &Files, attrs| LogTarget::JsonFile {
        path,
        max_size: files.max_size,
        max_file: files.max_file,
        attrs,
        compressor: files.compress.then(|| program.clone()),
    };
    let name = log.kind.as_str();
    match name {
        "none" => return Ok(LogTarget::Discard),
        "json-file" => {
            let files = options.json_file()?;
            let attrs = attributes(options, record, tag::DEFAULT_NONE)?;
            return Ok(file(container.log_path(), &files, attrs));
        }
        "local" => {
            let files = options.local("", &LOCAL)?;
            let path = local_path(container);
            make_parent(&path)?;
            return Ok(file(path, &files, BTreeMap::new()));
        }
        _ => {}
    }
    let cache = if readable(record) {
        let files = options.local("cache-", &LOCAL)?;
        Some(file(cache_path(container), &files, BTreeMap::new()))
    } else {
        None
    };

    let mut attributes = attributes(options, record, tag::DEFAULT)?;
    let tag = attributes.remove(TAG).unwrap_or_default();
    let is_patient = options.get("mode") != Some("non-blocking");
    let buffer = options
        .get("max-buffer-size")
        .and_then(size)
        .unwrap_or(BUFFER);
    Ok(LogTarget::Remote(Box::new(RemoteLog {
        program,
        setup: LogSetup {
            driver: name.to_owned(),
            options: options.0.clone(),
            container_id: record.id.to_string(),
            container_name: record.name.to_string(),
            image_id: record
                .image
                .map(|image| image.to_string())
                .unwrap_or_default(),
            image_name: record.config.image.clone(),
            command: record.command(),
            created: record.created.to_string(),
            tag,
            attributes,
        },
        buffer: (!is_patient).then_some(buffer),
        cache: cache.map(Box::new),
    })))
}

/// Where `docker logs` reads; `None` if nothing is kept on this host.
pub(super) fn path(container: &Container, record: &Record) -> Option<PathBuf> {
    match record.host_config.log_config.kind.as_str() {
        _ if !readable(record) => None,
        "json-file" => Some(container.log_path()),
        "local" => Some(local_path(container)),
        _ => Some(cache_path(container)),
    }
}

fn readable(record: &Record) -> bool {
    let log = &record.host_config.log_config;
    let option = |key: &str| log.config.as_ref().and_then(|options| options.get(key));
    match log.kind.as_str() {
        "none" => false,
        "json-file" | "local" => true,
        _ => !option("cache-disabled").is_some_and(|text| is_true(text).unwrap_or(false)),
    }
}

fn local_path(container: &Container) -> PathBuf {
    container.directory.join("local-logs").join("container.log")
}

fn cache_path(container: &Container) -> PathBuf {
    container.directory.join("container-cached.log")
}

fn make_parent(path: &std::path::Path) -> Result<(), String> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))
}

/// Under this key the rendered tag is among the attributes, as in the `json-file` format.
const TAG: &str = "tag";

/// The labels and variables that the options ask for, and the tag.
fn attributes(
    options: Options<'_>,
    record: &Record,
    default_tag: &str,
) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    let words = |key| {
        options
            .get(key)
            .unwrap_or_default()
            .split(',')
            .filter(|word| !word.is_empty())
    };
    let labels = record.config.labels.iter().flatten();
    let labels: BTreeMap<&str, &str> = labels
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let env = record.config.env.iter().flatten();
    let env: BTreeMap<&str, &str> = env.filter_map(|entry| entry.split_once('=')).collect();
    for (all, names, pattern) in [
        (&labels, "labels", "labels-regex"),
        (&env, "env", "env-regex"),
    ] {
        for name in words(names) {
            if let Some(value) = all.get(name) {
                attributes.insert(name.to_owned(), (*value).to_owned());
            }
        }
        if let Some(pattern) = options.get(pattern) {
            let regex = regex_lite::Regex::new(pattern)
                .map_err(|error| format!("error parsing regexp: {error}: `{pattern}`"))?;
            let found = all.iter().filter(|(key, _)| regex.is_match(key));
            attributes.extend(found.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        }
    }
    let tag = tag::render(options.get("tag").unwrap_or(default_tag), record)?;
    if !tag.is_empty() {
        attributes.insert(TAG.to_owned(), tag);
    }
    Ok(attributes)
}
