//! Volumes that a container gets without a name for them: `-v /place`, `VOLUME` lines.
//!
//! The daemon makes them without a label. As mounts of the body, in the same places, they can have one, and are
//! the container's own all the same: they go with it.

use std::collections::BTreeSet;

use lockgate_types::OWNER_LABEL;
use serde_json::{Map, Value, json};

use crate::implied::Implied;
use crate::mark::{cut, items, member, object, object_or_new, text};

/// Writes such volumes as mounts of the owner's.
pub(crate) fn own(root: &mut Map<String, Value>, implied: &Implied, owner: &str) {
    let mut wanted: BTreeSet<String> = implied.volumes.iter().filter_map(|it| clean(it)).collect();
    if let Some(volumes) = object(root, "Volumes") {
        wanted.extend(volumes.keys().filter_map(|place| clean(place)));
    }
    let taken = implied.taken.iter().filter_map(|place| clean(place));
    for place in taken {
        wanted.remove(&place);
    }
    let host = object_or_new(root, "HostConfig");
    let bare = take_bare(host);
    for place in used(host) {
        wanted.remove(&place);
    }
    wanted.extend(bare);
    if wanted.is_empty() {
        return;
    }
    let driver = member(host, "VolumeDriver").map_or_else(String::new, |it| text(it).to_owned());
    let mount = |place: String| {
        let mut options = json!({ "Labels": { OWNER_LABEL: owner } });
        if let (false, Some(options)) = (driver.is_empty(), options.as_object_mut()) {
            options.insert("DriverConfig".to_owned(), json!({ "Name": driver }));
        }
        json!({ "Type": "volume", "Target": place, "VolumeOptions": options })
    };
    let mounts: Vec<Value> = wanted.into_iter().map(mount).collect();
    match member(host, "Mounts").and_then(Value::as_array_mut) {
        Some(there) => there.extend(mounts),
        None => {
            host.insert("Mounts".to_owned(), mounts.into());
        }
    }
}

/// Binds that are a place alone.
fn take_bare(host: &mut Map<String, Value>) -> Vec<String> {
    let Some(binds) = member(host, "Binds").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let bare = |bind: &Value| clean(text(bind)).filter(|_| !text(bind).contains(':'));
    let taken = binds.iter().filter_map(bare).collect();
    binds.retain(|bind| bare(bind).is_none());
    taken
}

/// Places where something is mounted already.
fn used(host: &mut Map<String, Value>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for bind in items(host, "Binds") {
        let (_, rest) = cut(text(bind));
        let place = rest.trim_start_matches(':');
        used.extend(clean(cut(place).0));
    }
    for mount in items(host, "Mounts").filter_map(Value::as_object_mut) {
        used.extend(member(mount, "Target").and_then(|target| clean(text(target))));
    }
    if let Some(tmpfs) = object(host, "Tmpfs") {
        used.extend(tmpfs.keys().filter_map(|place| clean(place)));
    }
    used
}

/// A place in the container, spelt in one way; what is none is the daemon's to refuse.
fn clean(place: &str) -> Option<String> {
    if !place.starts_with('/') {
        return None;
    }
    let mut parts = Vec::new();
    for part in place.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| format!("/{}", parts.join("/")))
}
