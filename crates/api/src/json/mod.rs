//! JSON from clients, read so that there is exactly one way to understand it.
//!
//! The stock daemon matches keys without regard to case and lets the last duplicate win; other
//! readers do neither, and that gap is how `{"hostconfig":{"PRIVILEGED":true}}` slips past a
//! judge. Here a key means the field it folds to, for everybody, and saying something twice is
//! refused:
//!
//! | input | meaning |
//! | --- | --- |
//! | key in another case, `\u0042inds`, `ſ` for `s`, the Kelvin sign for `k` | the field |
//! | the same key twice; in objects with fields also in two spellings | refused |
//! | unknown key | ignored |
//! | `null` | as if the key were missing: the default |
//! | `"1"` for a number, `1` for a bool, `1.0` for an integer | refused |
//! | more than 64 levels, a second value behind the first, a byte order mark | refused |

mod access;
mod content_type;
mod error;
mod read;
#[cfg(test)]
mod tests;
mod tree;

pub use access::same_field;
pub use content_type::{ContentTypeError, check_content_type};
pub use error::JsonError;

use serde::de::DeserializeOwned;

use tree::Node;

/// How deep objects and lists may nest.
pub const MAX_DEPTH: usize = 64;

/// One JSON value that was read strictly; it is turned into types by [`Document::read`].
#[derive(Clone, Debug)]
pub struct Document {
    root: Node,
}

impl Document {
    /// Reads exactly one value.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        Ok(Self {
            root: Node::parse(bytes)?,
        })
    }

    /// The value as a type. May be asked several times for several views of one body.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        T::deserialize(read::Reader::new(&self.root))
    }

    /// Whether the value has no members but those named.
    pub fn has_only(&self, names: &[&str]) -> bool {
        match &self.root {
            Node::Object(members) => members
                .iter()
                .all(|(name, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name))),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                self.is_empty()
            }
        }
    }

    /// Whether the value is `null` or an object without members.
    pub fn is_empty(&self) -> bool {
        match &self.root {
            Node::Null => true,
            Node::Object(members) => members.is_empty(),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => false,
        }
    }
}

/// Reads one value of a type, strictly.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    Document::parse(bytes)?.read()
}
