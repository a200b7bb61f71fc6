//! A JSON value with its duplicates and depth checked.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{JsonError, MAX_DEPTH};

/// A value; members keep the order in which they came.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// What serde's error type cannot carry.
#[derive(Clone, Copy)]
enum Cause {
    Depth,
    Duplicate,
}

impl Node {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(JsonError::Empty);
        }
        let cause = Cell::new(None);
        let key = Cell::new(String::new());
        let mut input = serde_json::Deserializer::from_slice(bytes);
        let seed = Seed {
            depth: 0,
            cause: &cause,
            key: &key,
        };
        let node = seed
            .deserialize(&mut input)
            .map_err(|error| match cause.get() {
                Some(Cause::Depth) => JsonError::Depth,
                Some(Cause::Duplicate) => JsonError::Duplicate(key.take()),
                None => JsonError::Syntax(error.to_string()),
            })?;
        input.end().map_err(|_trailing| JsonError::Trailing)?;
        Ok(node)
    }

    /// The words of Go's error messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// Builds one node at a depth.
#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: usize,
    cause: &'a Cell<Option<Cause>>,
    key: &'a Cell<String>,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            self.cause.set(Some(Cause::Depth));
            return Err(E::custom("too deep"));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Node, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        Number::from_f64(value)
            .map(Node::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Node, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = input.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Node, A::Error> {
        let seed = self.deeper()?;
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = input.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                self.cause.set(Some(Cause::Duplicate));
                self.key.set(key);
                return Err(serde::de::Error::custom("duplicate"));
            }
            members.push((key, input.next_value_seed(seed)?));
        }
        Ok(Node::Object(members))
    }
}
