//! Why a body is refused.

use std::fmt;

/// Why JSON from a client is refused. All are the client's fault; `Display` is the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nothing at all where a value must be.
    #[error("invalid JSON: got EOF while reading request body")]
    Empty,
    /// No JSON.
    #[error("invalid JSON: {0}")]
    Syntax(String),
    /// Something follows the value.
    #[error("unexpected content after JSON")]
    Trailing,
    /// More than [`super::MAX_DEPTH`] levels.
    #[error("invalid JSON: exceeded max depth")]
    Depth,
    /// The same key twice, perhaps in two spellings.
    #[error("invalid JSON: duplicate key {0:?}")]
    Duplicate(String),
    /// A value of another type than the field has.
    #[error("invalid JSON: {}{reason}", Prefix(.path))]
    Type {
        /// The field, from the outside in.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// A path and a colon, or nothing.
struct Prefix<'a>(&'a str);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "{}: ", self.0)
    }
}

impl JsonError {
    /// Says in which field the error was found; called on the way out.
    pub(super) fn within(self, field: &str) -> Self {
        match self {
            Self::Type { path, reason } if path.is_empty() => Self::Type {
                path: field.to_owned(),
                reason,
            },
            Self::Type { path, reason } => Self::Type {
                path: format!("{field}.{path}"),
                reason,
            },
            other @ (Self::Empty
            | Self::Syntax(_)
            | Self::Trailing
            | Self::Depth
            | Self::Duplicate(_)) => other,
        }
    }
}

impl serde::de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Type {
            path: String::new(),
            reason: message.to_string(),
        }
    }
}
