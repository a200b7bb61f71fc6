//! From a checked tree to types: key case folded, nulls as defaults, nothing coerced.

use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Number;

use super::JsonError;
use super::access::{Items, Members, Word};
use super::tree::Node;

/// A deserialiser over one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    node: &'a Node,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        Self { node }
    }

    fn mismatch(self, wanted: &str) -> JsonError {
        JsonError::custom(format!(
            "cannot unmarshal {} into type {wanted}",
            self.node.kind()
        ))
    }

    fn integer<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        wanted: &str,
    ) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_i64(0),
            Node::Number(number) => visit_integer(number, visitor, wanted),
            Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                Err(self.mismatch(wanted))
            }
        }
    }
}

fn visit_integer<'de, V: Visitor<'de>>(
    number: &Number,
    visitor: V,
    wanted: &str,
) -> Result<V::Value, JsonError> {
    if let Some(value) = number.as_i64() {
        return visitor.visit_i64(value);
    }
    if let Some(value) = number.as_u64() {
        return visitor.visit_u64(value);
    }
    Err(JsonError::custom(format!(
        "cannot unmarshal number {number} into type {wanted}"
    )))
}

macro_rules! integers {
    ($($method:ident $name:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            self.integer(visitor, $name)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = JsonError;

    integers! {
        deserialize_i8 "int8" deserialize_i16 "int16" deserialize_i32 "int32"
        deserialize_i64 "int64" deserialize_u8 "uint8" deserialize_u16 "uint16"
        deserialize_u32 "uint32" deserialize_u64 "uint64"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Number(number) => match number.as_f64() {
                Some(value) if !number.is_i64() && !number.is_u64() => visitor.visit_f64(value),
                _ => visit_integer(number, visitor, "int64"),
            },
            Node::Text(text) => visitor.visit_str(text),
            Node::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Node::Object(members) => visitor.visit_map(Members::verbatim(members)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_bool(false),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                Err(self.mismatch("bool"))
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_f64(0.0),
            Node::Number(number) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                Err(self.mismatch("float64"))
            }
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_str(""),
            Node::Text(text) => visitor.visit_str(text),
            Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
                Err(self.mismatch("string"))
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_none(),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_seq(Items([].iter().enumerate())),
            Node::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => {
                Err(self.mismatch("array"))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_map(Members::verbatim(&[])),
            Node::Object(members) => visitor.visit_map(Members::verbatim(members)),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                Err(self.mismatch("object"))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Null => visitor.visit_map(Members::verbatim(&[])),
            Node::Object(members) => visitor.visit_map(Members::folded(members, fields)?),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                Err(self.mismatch("object"))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.node {
            Node::Text(text) => visitor.visit_enum(Word(text)),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
                Err(self.mismatch("string"))
            }
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}
