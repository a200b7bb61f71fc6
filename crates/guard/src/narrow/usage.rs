//! Disk usage without that of others.

use std::collections::BTreeMap;

use lockgate_access::Scope;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::list;

/// Containers and volumes of others are left out; images and the build cache are everybody's. Since
/// 1.52 there are sums too: they count what is left.
pub(super) fn narrowed(whole: &[u8], scope: &Scope) -> Option<Vec<u8>> {
    let mut answer: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(whole).ok()?;
    for (items, sums) in [("Containers", "ContainerUsage"), ("Volumes", "VolumeUsage")] {
        if let Some(found) = answer.get_mut(items) {
            *found = list::seen(found, scope)?;
        }
        let left = answer.get(items).cloned();
        if let Some(usage) = answer.get_mut(sums) {
            *usage = summed(usage, left.as_deref(), scope)?;
        }
    }
    Some(lockgate_api::encode(&answer))
}

/// The sums of the objects that are left, which stand in the sum or beside it.
fn summed(usage: &RawValue, beside: Option<&RawValue>, scope: &Scope) -> Option<Box<RawValue>> {
    let usage: BTreeMap<String, Box<RawValue>> = serde_json::from_str(usage.get()).ok()?;
    let within = match usage.get("Items") {
        Some(items) => Some(list::seen(items, scope)?),
        None => None,
    };
    let left = within.as_deref().or(beside);
    let left: Option<Vec<Value>> = match left {
        Some(left) => serde_json::from_str(left.get()).ok()?,
        None => None,
    };
    let left = left.unwrap_or_default();
    let active = left.iter().filter(|item| is_active(item)).count();
    let idle = left.iter().filter(|item| !is_active(item)).map(size);
    let mut sums = json!({
        "ActiveCount": active,
        "TotalCount": left.len(),
        "TotalSize": left.iter().map(size).sum::<i64>(),
        "Reclaimable": idle.sum::<i64>(),
    });
    if within.is_some()
        && let Some(sums) = sums.as_object_mut()
    {
        sums.insert("Items".to_owned(), Value::Array(left));
    }
    serde_json::value::to_raw_value(&sums).ok()
}

/// A container that runs, a volume that is used.
fn is_active(item: &Value) -> bool {
    let state = item.get("State").and_then(Value::as_str);
    let users = item.pointer("/UsageData/RefCount").and_then(Value::as_i64);
    state.is_some_and(|state| matches!(state, "running" | "paused" | "restarting"))
        || users.is_some_and(|users| users > 0)
}

fn size(item: &Value) -> i64 {
    let size = item
        .get("SizeRw")
        .or_else(|| item.pointer("/UsageData/Size"));
    size.and_then(Value::as_i64).unwrap_or(0).max(0)
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::alices;
    use super::*;

    fn seen(answer: &Value) -> Value {
        let narrowed = narrowed(answer.to_string().as_bytes(), &alices()).unwrap();
        serde_json::from_slice(&narrowed).unwrap()
    }

    #[test]
    fn others_are_neither_named_nor_counted() {
        let own =
            json!({ "Labels": { "lockgate.owner": "cn=alice" }, "State": "running", "SizeRw": 5 });
        let other =
            json!({ "Labels": { "lockgate.owner": "cn=bob" }, "State": "exited", "SizeRw": 7 });
        let sums = json!({ "ActiveCount": 1, "TotalCount": 2, "TotalSize": 12, "Reclaimable": 7 });
        let counted =
            json!({ "ActiveCount": 1, "TotalCount": 1, "TotalSize": 5, "Reclaimable": 0 });
        assert_eq!(
            seen(
                &json!({ "Images": [1], "Containers": [own, other], "Volumes": null, "ContainerUsage": sums })
            ),
            json!({ "Images": [1], "Containers": [own], "Volumes": null, "ContainerUsage": counted })
        );
        let mut verbose = sums;
        verbose["Items"] = json!([own, other]);
        let mut left = counted;
        left["Items"] = json!([own]);
        assert_eq!(
            seen(&json!({ "ContainerUsage": verbose })),
            json!({ "ContainerUsage": left })
        );
    }
}
