//! Environments without their values.

use serde_json::Value;

/// In place of a value; the same as the engine's own.
const HIDDEN: &str = "(hidden)";

/// The answer with the values of all environments hidden; `None` if it is no JSON.
pub(super) fn hidden(whole: &[u8]) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(whole).ok()?;
    hide(&mut answer);
    Some(lockgate_api::encode(&answer))
}

fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                match member.as_array_mut().filter(|_| key == "Env") {
                    Some(entries) => entries.iter_mut().for_each(entry),
                    None => hide(member),
                }
            }
        }
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

/// `NAME=value`, or a plugin's `{"Name":…,"Value":…}`.
fn entry(entry: &mut Value) {
    match entry {
        Value::String(text) => {
            if let Some((name, _)) = text.split_once('=') {
                *text = format!("{name}={HIDDEN}");
            }
        }
        Value::Object(members) => {
            if let Some(value) = members.get_mut("Value") {
                *value = HIDDEN.into();
            }
        }
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_hidden_wherever_they_stand() {
        let answer = json!({ "Config": { "Env": ["A=b", "C=", "D"], "Cmd": ["E=f"] },
            "Spec": [{ "ContainerSpec": { "Env": ["G=h"] } }],
            "Settings": { "Env": [{ "Name": "I", "Value": "j" }] }, "Other": { "Env": null } });
        let hidden = hidden(answer.to_string().as_bytes()).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&hidden).unwrap(),
            json!({ "Config": { "Env": ["A=(hidden)", "C=(hidden)", "D"], "Cmd": ["E=f"] },
                "Spec": [{ "ContainerSpec": { "Env": ["G=(hidden)"] } }],
                "Settings": { "Env": [{ "Name": "I", "Value": "(hidden)" }] }, "Other": { "Env": null } })
        );
    }
}
