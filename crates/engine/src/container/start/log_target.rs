//! Where a container's output is kept, and what is added to each line.

use std::collections::BTreeMap;

use lockgate_runtime::protocol::LogTarget;

use crate::container::create::parse_size;
use crate::container::handle::Container;
use crate::container::record::Record;

/// What `HostConfig.LogConfig` says, for the shim.
pub(super) fn log_target(container: &Container, record: &Record) -> LogTarget {
    let log = &record.host_config.log_config;
    if log.kind == "none" {
        return LogTarget::Discard;
    }
    let option = |key: &str| log.config.as_ref().and_then(|options| options.get(key));
    LogTarget::JsonFile {
        path: container.log_path(),
        max_size: option("max-size")
            .and_then(|text| parse_size(text))
            .filter(|size| *size < u64::MAX),
        max_file: option("max-file")
            .and_then(|text| text.parse().ok())
            .unwrap_or(1),
        attrs: log_attributes(record),
    }
}

/// The labels and variables that the log's options `labels`, `env` and `tag` ask for.
fn log_attributes(record: &Record) -> BTreeMap<String, String> {
    let log = &record.host_config.log_config;
    let option = |key: &str| {
        log.config
            .as_ref()
            .and_then(|options| options.get(key))
            .map_or("", String::as_str)
    };
    let mut attributes = BTreeMap::new();
    let labels = record.config.labels.as_ref();
    for key in option("labels").split(',').filter(|key| !key.is_empty()) {
        if let Some(value) = labels.and_then(|labels| labels.get(key)) {
            attributes.insert(key.to_owned(), value.clone());
        }
    }
    for key in option("env").split(',').filter(|key| !key.is_empty()) {
        let found = record.config.env.iter().flatten().find_map(|entry| {
            entry
                .split_once('=')
                .filter(|(name, _)| *name == key)
                .map(|(_, value)| value)
        });
        if let Some(value) = found {
            attributes.insert(key.to_owned(), value.to_owned());
        }
    }
    let tag = option("tag");
    if !tag.is_empty() {
        let tag = tag
            .replace("{{.ID}}", record.id.short())
            .replace("{{.FullID}}", record.id.as_str())
            .replace("{{.Name}}", record.name.as_str())
            .replace("{{.ImageName}}", &record.config.image);
        attributes.insert("tag".to_owned(), tag);
    }
    attributes
}
