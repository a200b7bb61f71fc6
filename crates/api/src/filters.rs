//! The `filters` of list, prune and events requests.

use std::collections::BTreeMap;

use crate::json;

/// What an object must be like to be listed: values OR within a key, keys AND.
///
/// Both spellings are read: `{"label":{"a=b":true}}` of Docker's own client and
/// `{"label":["a=b"]}` of older ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    by_key: BTreeMap<String, Vec<String>>,
}

/// The filters cannot be read: no JSON, or of another shape. The wording is the stock daemon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid filter")]
pub struct FilterError;

impl Filters {
    /// Reads the query value; the empty text is no filter. Which keys there may be is the operation's to say.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let document = json::Document::parse(text.as_bytes()).map_err(|_error| FilterError)?;
        let by_key = match document.read::<BTreeMap<String, BTreeMap<String, bool>>>() {
            Ok(sets) => sets
                .into_iter()
                .map(|(key, set)| (key, set.into_keys().collect()))
                .collect(),
            Err(_shape) => document
                .read::<BTreeMap<String, Vec<String>>>()
                .map_err(|_error| FilterError)?,
        };
        Ok(Self { by_key })
    }

    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The values of a key.
    pub fn get(&self, key: &str) -> &[String] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// Sets the values of a key.
    pub fn set(&mut self, key: &str, values: Vec<String>) {
        self.by_key.insert(key.to_owned(), values);
    }

    /// Every key with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.by_key
            .iter()
            .map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// As a query value, in the form that every daemon reads.
    pub fn to_query(&self) -> String {
        let sets = self.iter().map(|(key, values)| {
            let set: BTreeMap<_, _> = values.iter().map(|value| (value, true)).collect();
            (key, set)
        });
        let sets: BTreeMap<_, _> = sets.collect();
        String::from_utf8_lossy(crate::encode(&sets).trim_ascii_end()).into_owned()
    }

    /// Every key with its values, taken out.
    pub fn into_map(self) -> BTreeMap<String, Vec<String>> {
        self.by_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        for text in [r#"{"label":{"a=b":true}}"#, r#"{"label":["a=b"]}"#] {
            let filters = Filters::parse(text).unwrap();
            assert_eq!(filters.get("label"), ["a=b"]);
        }
        for text in ["", "{}", "null"] {
            assert!(Filters::parse(text).unwrap().is_empty());
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{"label":{"a=b":true,"c":true},"until":{"1h":true}}"#;
        let filters = Filters::parse(text).unwrap();
        assert_eq!(filters.to_query(), text);
    }

    #[test]
    fn what_is_unreadable_is_refused() {
        for text in [
            "{",
            "[]",
            "1",
            r#"{"dangling":1}"#,
            r#"{"dangling":{"a":1}}"#,
        ] {
            assert_eq!(Filters::parse(text), Err(FilterError), "{text}");
        }
    }
}
