//! Looks into the daemon's answers, without minding what is missing or null.

use std::collections::BTreeMap;

use serde_json::Value;

/// A part of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>(Option<&'a Value>);

impl<'a> View<'a> {
    /// The whole answer.
    pub(super) fn new(value: &'a Value) -> Self {
        Self(Some(value))
    }

    /// A field.
    pub(super) fn at(self, field: &str) -> Self {
        Self(self.0.and_then(|value| value.get(field)))
    }

    /// A text, empty if it is none.
    pub(super) fn text(self, field: &str) -> &'a str {
        self.at(field).as_text()
    }

    /// This as a text.
    pub(super) fn as_text(self) -> &'a str {
        self.0.and_then(Value::as_str).unwrap_or_default()
    }

    /// A whole number, zero if it is none.
    pub(super) fn int(self, field: &str) -> i64 {
        self.at(field).as_int()
    }

    /// This as a whole number.
    pub(super) fn as_int(self) -> i64 {
        let number = self.0.and_then(Value::as_number);
        number.map_or(0, |number| {
            let whole = number.as_i64();
            whole.unwrap_or_else(|| number.as_u64().map_or(0, |_big| i64::MAX))
        })
    }

    /// A number for arithmetic.
    pub(super) fn float(self, field: &str) -> f64 {
        self.at(field).0.and_then(Value::as_f64).unwrap_or(0.0)
    }

    /// Whether it is true.
    pub(super) fn is(self, field: &str) -> bool {
        self.at(field).0.and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether there is something at all.
    pub(super) fn is_there(self) -> bool {
        self.0.is_some_and(|value| !value.is_null())
    }

    /// The members of a list.
    pub(super) fn list(self, field: &str) -> impl Iterator<Item = View<'a>> + use<'a> {
        self.at(field).items()
    }

    /// The members of this list.
    pub(super) fn items(self) -> impl Iterator<Item = View<'a>> + use<'a> {
        let items = self
            .0
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        items.iter().map(|item| View(Some(item)))
    }

    /// The texts of a list.
    pub(super) fn texts(self, field: &str) -> Vec<&'a str> {
        self.list(field).map(Self::as_text).collect()
    }

    /// The members of an object.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, View<'a>)> + use<'a> {
        let members = self.0.and_then(Value::as_object);
        members
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), View(Some(value))))
    }

    /// An object of texts, such as labels.
    pub(super) fn text_map(self, field: &str) -> BTreeMap<String, String> {
        let members = self.at(field).members();
        members
            .map(|(key, value)| (key.to_owned(), value.as_text().to_owned()))
            .collect()
    }
}
