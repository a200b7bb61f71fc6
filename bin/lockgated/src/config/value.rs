//! Values as they come from flags and from the file, checked against the kind of their setting.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::ConfigError;
use super::table::Kind;

/// Flags and file, merged: what was said, and where.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) value: Value,
    /// `--flag` or `` `key` in FILE ``.
    pub(crate) place: String,
}

/// Whether a value says anything but "no".
pub(crate) fn is_yes(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Turns the texts of a flag into a value.
pub(crate) fn of_flag(kind: Kind, texts: Vec<String>) -> Option<Value> {
    let last = texts.last().cloned()?;
    Some(match kind {
        Kind::Bool => Value::Bool(truth(&last)?),
        Kind::Number => Value::from(last.parse::<i64>().ok()?),
        Kind::Size => Value::from(size(&last)?),
        Kind::Text => Value::String(last),
        Kind::List | Kind::Any | Kind::Objects => texts.into(),
        Kind::Map => {
            let pairs = texts.into_iter().map(|text| {
                let (key, value) = text.split_once('=')?;
                (!key.is_empty()).then(|| (key.to_owned(), Value::String(value.to_owned())))
            });
            Value::Object(pairs.collect::<Option<_>>()?)
        }
    })
}

/// Checks a value of the file.
pub(crate) fn of_file(kind: Kind, value: Value) -> Result<Value, Value> {
    let texts = |list: &[Value]| list.iter().all(Value::is_string);
    let fits = match (kind, &value) {
        (_, Value::Null) | (Kind::Any, _) => true,
        (Kind::Bool, value) => value.is_boolean(),
        (Kind::Number, value) => value.is_i64(),
        (Kind::Text, value) => value.is_string(),
        (Kind::Size, Value::String(text)) => return size(text).map(Value::from).ok_or(value),
        (Kind::Size, value) => value.as_i64().is_some_and(|bytes| bytes >= 0),
        (Kind::List, Value::Array(list)) => texts(list) || list.iter().all(Value::is_object),
        (Kind::Map, Value::Object(map)) => map.values().all(Value::is_string),
        (Kind::Objects, Value::Object(map)) => map.values().all(Value::is_object),
        (Kind::List | Kind::Map | Kind::Objects, _) => false,
    };
    if fits { Ok(value) } else { Err(value) }
}

pub(crate) fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "value",
        Kind::Bool => "true or false",
        Kind::List => "list of strings",
        Kind::Map => "KEY=VALUE, or object of strings",
        Kind::Number => "whole number",
        Kind::Objects => "object of objects",
        Kind::Size => "size such as 64m",
        Kind::Text => "string",
    }
}

/// What Go's flags take for a boolean.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `64m`, `64MB`, `64MiB`, `1.5g`: powers of 1024, as the stock daemon reads them.
fn size(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let power = match text.get(digits.len()..)?.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return None,
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let unit = 1024_i64.checked_pow(power)?;
    let mut bytes = whole
        .parse::<i64>()
        .ok()
        .filter(|n| *n >= 0)?
        .checked_mul(unit)?;
    if !part.is_empty() {
        let part: i64 = part
            .get(..part.len().min(6))?
            .parse()
            .ok()
            .filter(|n| *n >= 0)?;
        let scale = 10_i64.checked_pow(u32::try_from(part.to_string().len()).ok()?)?;
        bytes = bytes.checked_add(unit.checked_mul(part)? / scale)?;
    }
    Some(bytes)
}

/// Reads of merged values; kinds were checked before.
#[derive(Debug, Default)]
pub(crate) struct Settings(pub(crate) BTreeMap<&'static str, Said>);

impl Settings {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|said| !said.value.is_null())
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let text = self.0.get(key)?.value.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        self.0
            .get(key)
            .and_then(|said| said.value.as_bool())
            .unwrap_or(default)
    }

    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.value.as_i64()
    }

    pub(crate) fn list(&self, key: &str) -> Vec<String> {
        let list = self.0.get(key).and_then(|said| said.value.as_array());
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    pub(crate) fn object(&self, key: &str) -> serde_json::Map<String, Value> {
        self.0
            .get(key)
            .and_then(|said| said.value.as_object())
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn map(&self, key: &str) -> BTreeMap<String, String> {
        let map = self.object(key).into_iter();
        map.filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect()
    }

    /// An error about a value that has the right kind and no meaning.
    pub(crate) fn bad(
        &self,
        key: &'static str,
        value: &str,
        expected: &'static str,
    ) -> ConfigError {
        let place = self
            .0
            .get(key)
            .map_or_else(|| format!("`{key}`"), |said| said.place.clone());
        ConfigError::Value {
            place,
            value: value.to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("64m"), Some(64 << 20));
        assert_eq!(size("64MiB"), Some(64 << 20));
        assert_eq!(size("1.5 g"), Some(3 << 29));
        assert_eq!(size("10"), Some(10));
        for bad in ["", "m", "-1", "1x", "1.x", "99999999999t"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
