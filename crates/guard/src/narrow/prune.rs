//! Prunes that reach the caller's own objects alone.

use http::StatusCode;
use lockgate_access::Scope;
use lockgate_api::{Call, Filters};
use serde_json::{Map, Value};

use super::strange;
use crate::error::GuardError;
use crate::inquire;
use crate::pool::Pool;
use crate::rewrite;

/// Prunes once for each label that makes an object the caller's; the answers as one. The daemon takes
/// away what has all labels that are named, so one that the client names narrows it further.
pub(crate) async fn prune(
    pool: &Pool,
    call: &Call,
    scope: &Scope,
) -> Result<(StatusCode, Vec<u8>), GuardError> {
    let filters = Filters::parse(call.query().text("filters"))?;
    let mut sum = Map::new();
    for label in scope.filters() {
        let mut narrowed = filters.clone();
        let mut labels = filters.get("label").to_vec();
        labels.push(label);
        narrowed.set("label", labels);
        let query = [("filters".to_owned(), narrowed.to_query())];
        let path = rewrite::target(call, &query);
        let told = inquire::post(pool, &path, bytes::Bytes::new()).await?;
        if !told.status.is_success() {
            return Ok((told.status, told.body.to_vec()));
        }
        let Ok(Value::Object(pruned)) = serde_json::from_slice(&told.body) else {
            return Err(strange(pool));
        };
        pruned
            .into_iter()
            .for_each(|(key, value)| add(&mut sum, key, value));
    }
    Ok((StatusCode::OK, lockgate_api::encode(&sum)))
}

/// Lists are joined, numbers added.
fn add(sum: &mut Map<String, Value>, key: String, value: Value) {
    let before = sum.remove(&key).unwrap_or_default();
    let after = match (before, value) {
        (Value::Array(mut all), Value::Array(more)) => {
            all.extend(more);
            Value::Array(all)
        }
        (Value::Number(one), Value::Number(other)) => {
            let both = one
                .as_u64()
                .unwrap_or(0)
                .saturating_add(other.as_u64().unwrap_or(0));
            both.into()
        }
        (before, Value::Null) => before,
        (_, value) => value,
    };
    sum.insert(key, after);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reports_are_added_up() {
        let mut sum = Map::new();
        for report in [
            json!({ "VolumesDeleted": ["a"], "SpaceReclaimed": 1 }),
            json!({ "VolumesDeleted": null, "SpaceReclaimed": 2 }),
            json!({ "VolumesDeleted": ["b"], "SpaceReclaimed": 3 }),
        ] {
            for (key, value) in report.as_object().unwrap().clone() {
                add(&mut sum, key, value);
            }
        }
        assert_eq!(
            Value::Object(sum),
            json!({ "VolumesDeleted": ["a", "b"], "SpaceReclaimed": 6 })
        );
    }
}
