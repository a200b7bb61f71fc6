//! A JSON object whose entries keep their order and their own spelling, to change one of them in a
//! file that belongs to other programs as well.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The entries, in their order.
#[derive(Debug, Default)]
pub(crate) struct Entries(Vec<(String, Box<RawValue>)>);

impl Entries {
    /// Reads an object; an empty text is an empty one.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text)
    }

    /// An entry as a value.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        let (_, raw) = self.0.iter().rev().find(|(known, _)| known == key)?;
        serde_json::from_str(raw.get()).ok()
    }

    /// Changes an entry where it is, or adds it at the end. One that is equal already keeps its
    /// spelling.
    pub(crate) fn set(&mut self, key: &str, value: &Value) -> Result<(), serde_json::Error> {
        if self.get(key).as_ref() == Some(value) {
            return Ok(());
        }
        let raw = serde_json::value::to_raw_value(value)?;
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = raw,
            None => self.0.push((key.to_owned(), raw)),
        }
        Ok(())
    }

    /// Takes an entry away.
    pub(crate) fn remove(&mut self, key: &str) {
        self.0.retain(|(known, _)| known != key);
    }

    /// One entry a line.
    pub(crate) fn render(&self, indent: &str) -> String {
        if self.0.is_empty() {
            return "{}\n".to_owned();
        }
        let lines = self.0.iter().map(|(key, raw)| {
            let key = Value::from(key.as_str());
            format!("{indent}{key}: {}", raw.get())
        });
        format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
    }
}

/// What a file's first entry is indented by; `default` if there is none.
pub(crate) fn indent_of<'t>(text: &'t str, default: &'t str) -> &'t str {
    let line = text.lines().find(|line| line.trim_start().starts_with('"'));
    let indent = line.map(|line| line.split('"').next().unwrap_or_default());
    indent
        .filter(|indent| !indent.is_empty())
        .unwrap_or(default)
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_changes_and_the_others_keep_order_and_spelling() {
        let text = "{\n    \"z\": [1,  2],\n    \"a\": {\"x\": 1.0},\n    \"n\": 1e3\n}\n";
        let mut entries = Entries::parse(text).unwrap();
        entries.set("a", &serde_json::json!(true)).unwrap();
        entries.set("b", &serde_json::json!("t")).unwrap();
        entries.set("z", &serde_json::json!([1, 2])).unwrap();
        let wanted =
            "{\n    \"z\": [1,  2],\n    \"a\": true,\n    \"n\": 1e3,\n    \"b\": \"t\"\n}\n";
        assert_eq!(entries.render(indent_of(text, "\t")), wanted);
        entries.remove("b");
        assert_eq!(entries.get("b"), None);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "{", "{} {}", "null"] {
            Entries::parse(text).unwrap_err();
        }
        assert_eq!(Entries::parse(" \n").unwrap().render(" "), "{}\n");
    }
}
