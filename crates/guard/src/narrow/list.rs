//! Lists of containers and volumes.

use std::collections::BTreeMap;

use lockgate_access::Scope;
use lockgate_api::Call;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An item, as far as it says whose it is.
#[derive(Debug, Deserialize)]
struct Labelled {
    #[serde(rename = "Labels", default)]
    labels: Option<BTreeMap<String, String>>,
}

/// How many containers are asked for.
pub(super) fn limit(call: &Call) -> Option<usize> {
    let limit = call.query().signed("limit").ok().flatten()?;
    usize::try_from(limit).ok().filter(|limit| *limit > 0)
}

/// Items that cannot be read are nobody's.
pub(super) fn is_seen(item: &RawValue, scope: &Scope) -> bool {
    let labelled = serde_json::from_str::<Labelled>(item.get());
    labelled.is_ok_and(|item| scope.sees(item.labels.as_ref()))
}

/// The items of a list that are seen, byte by byte as they came; `null` stays.
pub(super) fn seen(list: &RawValue, scope: &Scope) -> Option<Box<RawValue>> {
    let items: Option<Vec<&RawValue>> = serde_json::from_str(list.get()).ok()?;
    let items = items.map(|mut items| {
        items.retain(|item| is_seen(item, scope));
        items
    });
    serde_json::value::to_raw_value(&items).ok()
}

pub(super) fn containers(whole: &[u8], scope: &Scope, limit: Option<usize>) -> Option<Vec<u8>> {
    let mut items: Vec<&RawValue> = serde_json::from_slice(whole).ok()?;
    items.retain(|item| is_seen(item, scope));
    items.truncate(limit.unwrap_or(usize::MAX));
    Some(lockgate_api::encode(&items))
}

pub(super) fn volumes(whole: &[u8], scope: &Scope) -> Option<Vec<u8>> {
    let mut answer: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(whole).ok()?;
    if let Some(list) = answer.get_mut("Volumes") {
        *list = seen(list, scope)?;
    }
    Some(lockgate_api::encode(&answer))
}

#[cfg(test)]
pub(super) mod tests {
    use lockgate_access::Scope;

    use super::*;

    pub(crate) fn alices() -> Scope {
        Scope::for_owner("cn=alice")
    }

    fn text(bytes: Option<Vec<u8>>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    // T: response-side
    #[test]
    fn lists_are_filtered_whole_and_keep_the_upstreams_words() {
        let alice = r#"{"Id":"a","Labels":{"lockgate.owner":"cn=alice"},"Size":1.0}"#;
        let again = r#"{"Labels":{"lockgate.owner":"cn=alice"},"Id":"c"}"#;
        let all = format!(
            r#"[{alice},{{"Id":"b","Labels":{{"lockgate.owner":"cn=bob"}}}},{{"Id":"d","Labels":null}},{{"Id":"e"}},{again}]"#
        );
        let seen = |limit| text(containers(all.as_bytes(), &alices(), limit));
        assert_eq!(seen(None), format!("[{alice},{again}]\n"));
        assert_eq!(seen(Some(1)), format!("[{alice}]\n"));
        let volumes = |text: &str| volumes(text.as_bytes(), &alices());
        assert_eq!(
            text(volumes(&format!(r#"{{"Volumes":{all},"Warnings":null}}"#))),
            format!("{{\"Volumes\":[{alice},{again}],\"Warnings\":null}}\n")
        );
        assert_eq!(text(volumes(r#"{"Volumes":null}"#)), "{\"Volumes\":null}\n");
    }

    #[test]
    fn what_cannot_be_read_is_not_passed_on() {
        for odd in ["", "{}", "[1,", "null x"] {
            assert_eq!(containers(odd.as_bytes(), &alices(), None), None, "{odd}");
        }
        assert_eq!(volumes(b"[]", &alices()), None);
        // An item of another shape is nobody's.
        assert_eq!(
            text(containers(b"[1,{\"Labels\":[]}]", &alices(), None)),
            "[]\n"
        );
    }
}
