//! The events of containers.

use std::collections::BTreeMap;

use lockgate_types::event::EventKind;

use super::record::Record;
use super::state::NetworkState;
use crate::engine::Inner;
use crate::network;

/// A container event's attributes: labels, image, name, and what belongs to the action.
pub(crate) fn attributes<const N: usize>(
    record: &Record,
    extra: [(&str, String); N],
) -> BTreeMap<String, String> {
    let mut attributes = record.config.labels.clone().unwrap_or_default();
    attributes.insert("image".to_owned(), record.config.image.clone());
    attributes.insert("name".to_owned(), record.name.to_string());
    attributes.extend(extra.map(|(key, value)| (key.to_owned(), value)));
    attributes
}

/// Publishes a container event.
pub(crate) fn container<const N: usize>(
    engine: &Inner,
    record: &Record,
    action: &str,
    extra: [(&str, String); N],
) {
    let attributes = attributes(record, extra);
    engine
        .events
        .publish(EventKind::Container, action, record.id.as_str(), attributes);
}

/// Publishes `connect` or `disconnect` for each network that a container is in.
pub(crate) fn networks(engine: &Inner, record: &Record, network: &NetworkState, action: &str) {
    for joined in &network.endpoints {
        let attributes = BTreeMap::from([
            ("container".to_owned(), record.id.to_string()),
            ("name".to_owned(), joined.name.clone()),
            ("type".to_owned(), network::driver(&joined.name).to_owned()),
        ]);
        engine.events.publish(
            EventKind::Network,
            action,
            joined.network_id.as_str(),
            attributes,
        );
    }
}

/// Publishes `mount` or `unmount` for each volume of a container.
pub(crate) fn volumes(engine: &Inner, record: &Record, action: &str) {
    for mount in record
        .mounts
        .iter()
        .filter(|mount| !mount.point.name.is_empty())
    {
        let point = &mount.point;
        let mut attributes = BTreeMap::from([
            ("container".to_owned(), record.id.to_string()),
            ("driver".to_owned(), point.driver.clone()),
        ]);
        if action == "mount" {
            attributes.insert("destination".to_owned(), point.destination.clone());
            attributes.insert("propagation".to_owned(), point.propagation.clone());
            attributes.insert("read/write".to_owned(), point.rw.to_string());
        }
        engine
            .events
            .publish(EventKind::Volume, action, point.name.as_str(), attributes);
    }
}

/// Publishes `create` or `destroy` of a volume.
pub(crate) fn volume(engine: &Inner, name: &str, action: &str) {
    let attributes = BTreeMap::from([("driver".to_owned(), "local".to_owned())]);
    engine
        .events
        .publish(EventKind::Volume, action, name, attributes);
}
