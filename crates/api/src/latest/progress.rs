//! The objects of progress streams (pull, push, load, import, build).

use serde::{Deserialize, Serialize};

use super::is_zero;

/// One object of a progress stream; they are separated by `\r\n`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Text to print as it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stream: String,
    /// What happens to the thing named by `id`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_detail: Option<ProgressDetail>,
    /// The bar, drawn.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub progress: String,
    /// What is being worked on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// A failure after the head was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_detail: Option<ErrorDetail>,
    /// The same failure for older clients.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux: Option<serde_json::Value>,
}

/// Bytes done of bytes to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressDetail {
    /// Done.
    #[serde(skip_serializing_if = "is_zero")]
    pub current: i64,
    /// To do, if known.
    #[serde(skip_serializing_if = "is_zero")]
    pub total: i64,
}

/// A failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorDetail {
    /// A process' exit status.
    #[serde(skip_serializing_if = "is_zero")]
    pub code: i64,
    /// What went wrong.
    pub message: String,
}

impl Progress {
    /// Text to print as it is.
    pub fn stream(text: impl Into<String>) -> Self {
        Self {
            stream: text.into(),
            ..Self::default()
        }
    }

    /// A line about the whole.
    pub fn status(text: impl Into<String>) -> Self {
        Self {
            status: text.into(),
            ..Self::default()
        }
    }

    /// The end of a stream that failed after its head was sent.
    pub fn error(message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = ErrorDetail {
            code: 0,
            message: message.clone(),
        };
        Self {
            error: message,
            error_detail: Some(detail),
            ..Self::default()
        }
    }

    /// The object as it stands in the stream.
    pub fn encode(&self) -> Vec<u8> {
        // Texts, numbers and values always serialise.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_looks_as_clients_read_it() {
        let text = |progress: &Progress| String::from_utf8(progress.encode()).unwrap();
        assert_eq!(
            text(&Progress::stream("a <b>\n")),
            "{\"stream\":\"a <b>\\n\"}\r\n"
        );
        assert_eq!(
            text(&Progress::error("no")),
            "{\"errorDetail\":{\"message\":\"no\"},\"error\":\"no\"}\r\n"
        );
        let layer = Progress {
            id: "4b8a12f1fdff".into(),
            status: "Loading layer".into(),
            progress_detail: Some(ProgressDetail {
                current: 5,
                total: 10,
            }),
            ..Progress::default()
        };
        assert_eq!(
            text(&layer),
            "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":5,\"total\":10},\
             \"id\":\"4b8a12f1fdff\"}\r\n"
        );
    }
}
