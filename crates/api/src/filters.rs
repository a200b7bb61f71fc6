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

/// Why filters are refused; the wording is the stock daemon's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No JSON, or of another shape.
    #[error("invalid filter")]
    Format,
    /// The endpoint has no such filter.
    #[error("invalid filter '{0}'")]
    Unknown(String),
    /// A value that the filter cannot have.
    #[error("invalid filter '{key}=[{}]'", .values.join(" "))]
    Value {
        /// The filter.
        key: String,
        /// Its values.
        values: Vec<String>,
    },
}

impl Filters {
    /// Reads the query value; the empty text is no filter. Only the named keys are accepted.
    pub fn parse(text: &str, accepted: &[&str]) -> Result<Self, FilterError> {
        let filters = Self::parse_any(text)?;
        match filters
            .by_key
            .keys()
            .find(|key| !accepted.contains(&key.as_str()))
        {
            Some(key) => Err(FilterError::Unknown(key.clone())),
            None => Ok(filters),
        }
    }

    /// Reads the query value with whatever keys it has, for endpoints that ignore unknown ones.
    pub fn parse_any(text: &str) -> Result<Self, FilterError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let document =
            json::Document::parse(text.as_bytes()).map_err(|_error| FilterError::Format)?;
        let by_key = match document.read::<BTreeMap<String, BTreeMap<String, bool>>>() {
            Ok(sets) => sets
                .into_iter()
                .map(|(key, set)| (key, set.into_keys().collect()))
                .collect(),
            Err(_shape) => document
                .read::<BTreeMap<String, Vec<String>>>()
                .map_err(|_error| FilterError::Format)?,
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

    /// The value of a filter that is true or false; exactly one of the two may be given.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, FilterError> {
        let is = |word: &str| self.get(key).iter().any(|value| value == word);
        let (yes, no) = (is("1") || is("true"), is("0") || is("false"));
        match (self.get(key).is_empty(), yes, no) {
            (true, ..) => Ok(None),
            (false, true, false) => Ok(Some(true)),
            (false, false, true) => Ok(Some(false)),
            (false, true, true) | (false, false, false) => Err(FilterError::Value {
                key: key.to_owned(),
                values: self.get(key).to_vec(),
            }),
        }
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
            let filters = Filters::parse(text, &["label"]).unwrap();
            assert_eq!(filters.get("label"), ["a=b"]);
        }
        for text in ["", "{}", "null"] {
            assert!(Filters::parse(text, &[]).unwrap().is_empty());
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{"label":{"a=b":true,"c":true},"until":{"1h":true}}"#;
        let filters = Filters::parse_any(text).unwrap();
        assert_eq!(filters.to_query(), text);
    }

    #[test]
    fn what_is_unknown_or_unreadable_is_refused() {
        let refused = |text: &str| Filters::parse(text, &["dangling"]).unwrap_err().to_string();
        assert_eq!(refused(r#"{"bad":{"a":true}}"#), "invalid filter 'bad'");
        for text in [
            "{",
            "[]",
            "1",
            r#"{"dangling":1}"#,
            r#"{"dangling":{"a":1}}"#,
        ] {
            assert_eq!(refused(text), "invalid filter");
        }
    }

    #[test]
    fn flags_are_one_of_two() {
        let flag = |text: &str| {
            Filters::parse(text, &["dangling"])
                .unwrap()
                .flag("dangling")
        };
        assert_eq!(flag("{}"), Ok(None));
        assert_eq!(flag(r#"{"dangling":["1"]}"#), Ok(Some(true)));
        assert_eq!(flag(r#"{"dangling":{"false":true}}"#), Ok(Some(false)));
        assert_eq!(
            flag(r#"{"dangling":["maybe"]}"#).unwrap_err().to_string(),
            "invalid filter 'dangling=[maybe]'"
        );
        flag(r#"{"dangling":["true","false"]}"#).unwrap_err();
    }
}
