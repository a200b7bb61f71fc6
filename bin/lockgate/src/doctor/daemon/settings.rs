//! What a daemon is told, by flags and by its file, and who said it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{known, words};

/// Said in one place.
pub(crate) type Said = BTreeMap<String, Vec<String>>;

/// Flags and file, kept apart: dockerd refuses to start when both say something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) flags: Said,
    pub(crate) file: Said,
}

impl Settings {
    /// All values of a key; flags before the file.
    pub(crate) fn list(&self, key: &str) -> &[String] {
        let said = self.flags.get(key).or_else(|| self.file.get(key));
        said.map_or(&[], Vec::as_slice)
    }

    /// The last value of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.list(key).last().map(String::as_str)
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.text(key).is_some_and(is_true)
    }

    /// Whether a switch is off, when it is on unless somebody says otherwise.
    pub(crate) fn is_off(&self, key: &str) -> bool {
        self.text(key).is_some_and(|value| !is_true(value))
    }

    /// Keys that both say.
    pub(crate) fn twice(&self) -> Vec<&str> {
        let both = |key: &&String| self.file.contains_key(*key) && *key != "runtimes";
        self.flags.keys().filter(both).map(String::as_str).collect()
    }
}

fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// Reads the words of a command line after the program's name.
pub(crate) fn of_words(line: &[String]) -> Said {
    let mut said = Said::new();
    let mut line = line.iter().skip(1);
    while let Some(word) = line.next() {
        let Some((name, value)) = words::flag(word) else {
            continue;
        };
        let value = match value {
            Some(value) => value,
            None if known::is_switch(name) => "true".to_owned(),
            None => line.next().cloned().unwrap_or_default(),
        };
        let key = known::key_of(name).to_owned();
        said.entry(key).or_default().push(value);
    }
    said
}

/// Reads the object of a `daemon.json`.
pub(crate) fn of_object(object: &serde_json::Map<String, Value>) -> Said {
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let pairs = object.iter().filter(|(_, value)| !value.is_null());
    pairs
        .map(|(key, value)| {
            let values = match value {
                Value::Array(list) => list.iter().map(one).collect(),
                other => vec![one(other)],
            };
            (key.clone(), values)
        })
        .collect()
}
