//! Networks, and who is on them.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_access::Scope;
use serde_json::Value;

use super::own::Containers;
use crate::error::GuardError;
use crate::lookup::is_common;
use crate::pool::Pool;

/// One network or a list of them, without those of others and without others on them.
pub(super) async fn narrowed(
    pool: &Pool,
    whole: &[u8],
    scope: &Scope,
) -> Result<Option<Vec<u8>>, GuardError> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(whole) else {
        return Ok(None);
    };
    if let Value::Array(networks) = &mut answer {
        networks.retain(|network| is_seen(network, scope));
    }
    if has_members(&answer) {
        let containers = Containers::ask(pool, scope).await?;
        let own = containers.own_ids();
        match answer.as_array_mut() {
            Some(networks) => networks.iter_mut().for_each(|it| hide(it, &own)),
            None => hide(&mut answer, &own),
        }
    }
    Ok(Some(lockgate_api::encode(&answer)))
}

fn is_seen(network: &Value, scope: &Scope) -> bool {
    let name = network.get("Name").and_then(Value::as_str);
    let labels = network.get("Labels").cloned().unwrap_or_default();
    let labels: Option<BTreeMap<String, String>> =
        serde_json::from_value(labels).unwrap_or_default();
    name.is_some_and(is_common) || scope.sees(labels.as_ref())
}

fn has_members(answer: &Value) -> bool {
    let members = |network: &Value| {
        let members = network.get("Containers").and_then(Value::as_object);
        members.is_some_and(|members| !members.is_empty())
    };
    match answer.as_array() {
        Some(networks) => networks.iter().any(members),
        None => members(answer),
    }
}

fn hide(network: &mut Value, own: &BTreeSet<&str>) {
    if let Some(members) = network.get_mut("Containers").and_then(Value::as_object_mut) {
        members.retain(|id, _| own.contains(id.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::list::tests::alices;
    use super::*;

    #[test]
    fn networks_of_the_daemon_are_everybodys() {
        for (network, seen) in [
            (json!({ "Name": "bridge", "Labels": {} }), true),
            (
                json!({ "Name": "a", "Labels": { "lockgate.owner": "cn=alice" } }),
                true,
            ),
            (
                json!({ "Name": "b", "Labels": { "lockgate.owner": "cn=bob" } }),
                false,
            ),
            (json!({ "Name": "c", "Labels": null }), false),
        ] {
            assert_eq!(is_seen(&network, &alices()), seen, "{network}");
        }
    }

    #[test]
    fn others_on_a_network_are_hidden() {
        let mut network = json!({ "Containers": { "a": {}, "b": {} } });
        assert!(has_members(&network));
        hide(&mut network, &BTreeSet::from(["a"]));
        assert_eq!(network, json!({ "Containers": { "a": {} } }));
        assert!(!has_members(
            &json!([{ "Containers": {} }, { "Containers": null }])
        ));
    }
}
