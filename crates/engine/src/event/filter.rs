//! Whether an event is wanted.

use lockgate_types::event::{Event, EventKind};

use crate::filter::Filters;

/// Values of one key are alternatives, keys are conditions.
pub(super) fn matches(filters: &Filters, event: &Event) -> bool {
    filters.is_empty()
        || (matches_action(filters, &event.action)
            && filters.matches_exactly("type", event.kind.as_str())
            && filters.matches_exactly("scope", "local")
            && OBJECTS
                .iter()
                .all(|key| matches_object(filters, key, event))
            && matches_image(filters, event)
            && filters.matches_labels(Some(&event.attributes)))
}

/// Exact, but for actions that carry a text after a colon.
fn matches_action(filters: &Filters, action: &str) -> bool {
    !filters.contains("event")
        || filters.values("event").any(|wanted| {
            wanted == action || (PREFIXED.contains(&wanted) && action.starts_with(wanted))
        })
}

/// A prefix of the id or of the name.
fn matches_object(filters: &Filters, key: &str, event: &Event) -> bool {
    let name = event.attributes.get("name").map_or("", String::as_str);
    !filters.contains(key)
        || filters
            .values(key)
            .any(|wanted| event.id.starts_with(wanted) || name.starts_with(wanted))
}

/// The image of a container or an image itself, with or without its tag.
fn matches_image(filters: &Filters, event: &Event) -> bool {
    if !filters.contains("image") {
        return true;
    }
    let key = if event.kind == EventKind::Image {
        "name"
    } else {
        "image"
    };
    let name = event.attributes.get(key).map_or("", String::as_str);
    filters.values("image").any(|wanted| {
        [event.id.as_str(), name]
            .into_iter()
            .any(|text| !text.is_empty() && (wanted == text || wanted == without_tag(text)))
    })
}

fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

const PREFIXED: [&str; 3] = ["exec_create", "exec_start", "health_status"];
/// Kinds of objects; those of which there are no events match none.
const OBJECTS: [&str; 9] = [
    "config",
    "container",
    "daemon",
    "network",
    "node",
    "plugin",
    "secret",
    "service",
    "volume",
];
