//! What lies within a node: members, items, words.

use std::collections::HashSet;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::JsonError;
use super::read::Reader;
use super::tree::Node;

/// A variant without content.
pub(super) struct Word<'a>(pub(super) &'a str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = JsonError;
    type Variant = NoContent;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, NoContent), JsonError> {
        let name: StrDeserializer<'_, JsonError> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, NoContent))
    }
}

/// The API's enums are plain words.
pub(super) struct NoContent;

impl<'de> serde::de::VariantAccess<'de> for NoContent {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, JsonError> {
        Err(JsonError::custom("a plain word was expected"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, JsonError> {
        Err(JsonError::custom("a plain word was expected"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, JsonError> {
        Err(JsonError::custom("a plain word was expected"))
    }
}

/// The items of a list.
pub(super) struct Items<'a>(pub(super) std::iter::Enumerate<std::slice::Iter<'a, Node>>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = JsonError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, JsonError> {
        let Some((index, node)) = self.0.next() else {
            return Ok(None);
        };
        let item = seed.deserialize(Reader::new(node));
        item.map(Some)
            .map_err(|error| error.within(&index.to_string()))
    }
}

/// The members of an object under the names that the type knows them by, last one first.
pub(super) struct Members<'a> {
    pending: Vec<(&'a str, &'a Node)>,
    current: Option<(&'a str, &'a Node)>,
}

impl<'a> Members<'a> {
    /// Keys are data: as they are, with nulls.
    pub(super) fn verbatim(members: &'a [(String, Node)]) -> Self {
        let pending = members
            .iter()
            .rev()
            .map(|(key, node)| (key.as_str(), node))
            .collect();
        Self {
            pending,
            current: None,
        }
    }

    /// Keys are names of fields: folded to those that are known, without nulls.
    pub(super) fn folded(
        members: &'a [(String, Node)],
        fields: &'static [&'static str],
    ) -> Result<Self, JsonError> {
        let mut seen = HashSet::with_capacity(members.len());
        let mut pending = Vec::with_capacity(members.len());
        for (key, node) in members.iter().rev() {
            if !seen.insert(folded(key).collect::<String>()) {
                return Err(JsonError::Duplicate(key.clone()));
            }
            let exact = fields.iter().find(|field| *field == key);
            let known = exact.or_else(|| fields.iter().find(|field| folded(field).eq(folded(key))));
            if let Some(field) = known
                && !matches!(node, Node::Null)
            {
                pending.push((*field, node));
            }
        }
        Ok(Self {
            pending,
            current: None,
        })
    }
}

/// Go's folding of field names: letter case, and the two letters outside ASCII that fold into it.
fn folded(key: &str) -> impl Iterator<Item = char> {
    key.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

/// Whether two keys name the same field.
pub fn same_field(one: &str, other: &str) -> bool {
    folded(one).eq(folded(other))
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = JsonError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, JsonError> {
        self.current = self.pending.pop();
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, JsonError> = key.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, JsonError> {
        let (key, node) = self
            .current
            .take()
            .ok_or_else(|| JsonError::custom("a value without a key"))?;
        seed.deserialize(Reader::new(node))
            .map_err(|error| error.within(key))
    }
}
