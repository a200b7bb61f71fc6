//! Progress as the daemon tells it: one line for each id, redrawn on a terminal.

use serde::Deserialize;

use crate::client::{Answer, ClientError};
use crate::failure::Failure;
use crate::output::Output;
use crate::spec::units::human_size;

/// One message of the stream.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) stream: Option<String>,
    pub(super) status: Option<String>,
    pub(super) id: Option<String>,
    #[serde(rename = "progressDetail")]
    detail: Option<Detail>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    error_detail: Option<ErrorDetail>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    current: f64,
    total: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorDetail {
    message: String,
}

impl Message {
    /// What went wrong, if this says so.
    fn failure(&self) -> Option<String> {
        let detail = self
            .error_detail
            .as_ref()
            .map(|detail| detail.message.clone());
        detail
            .filter(|text| !text.is_empty())
            .or_else(|| self.error.clone())
    }

    fn bar(&self) -> Option<String> {
        let detail = self.detail.as_ref().filter(|detail| detail.current > 0.0)?;
        let now = human_size(detail.current, 4);
        if detail.total <= 0.0 || detail.current > detail.total {
            return Some(format!("{now:>8}"));
        }
        let share = (detail.current / detail.total * 50.0).floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 50"
        )]
        let filled = share as usize;
        let head = if filled < 50 { ">" } else { "" };
        let empty = 50_usize.saturating_sub(filled + head.len());
        let bar = format!("[{}{head}{}]", "=".repeat(filled), " ".repeat(empty));
        Some(format!("{bar} {now:>8}/{}", human_size(detail.total, 4)))
    }

    fn line(&self) -> String {
        let id = self.id.as_deref().filter(|id| !id.is_empty());
        let head = id.map(|id| format!("{id}: ")).unwrap_or_default();
        let status = self.status.as_deref().unwrap_or_default();
        match self.bar() {
            Some(bar) => format!("{head}{status} {bar}"),
            None => format!("{head}{status}"),
        }
    }
}

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nowhere,
    OnStderr,
    OnStdout,
}

/// Shows all messages of an answer. One that says `error` ends it.
pub(crate) async fn show(answer: Answer, shown: Shown, out: &mut Output) -> Result<(), Failure> {
    let mut screen = Screen::new(shown, out);
    let mut lines = answer.lines();
    while let Some(message) = next(&mut lines).await? {
        if let Some(reason) = message.failure() {
            return Err(Failure::new(reason));
        }
        screen.show(&message)?;
    }
    Ok(())
}

async fn next(lines: &mut crate::client::LineStream) -> Result<Option<Message>, ClientError> {
    lines.next::<Message>().await
}

/// The lines that are on the screen, by id.
struct Screen<'o> {
    out: &'o mut Output,
    shown: Shown,
    redraws: bool,
    ids: Vec<String>,
}

impl<'o> Screen<'o> {
    fn new(shown: Shown, out: &'o mut Output) -> Self {
        let redraws = match shown {
            Shown::Nowhere => false,
            Shown::OnStdout => out.is_terminal(),
            Shown::OnStderr => out.errors_on_terminal(),
        };
        Self {
            out,
            shown,
            redraws,
            ids: Vec::new(),
        }
    }

    fn show(&mut self, message: &Message) -> std::io::Result<()> {
        if let Some(text) = &message.stream {
            self.ids.clear();
            return self.put(text.clone());
        }
        let line = message.line();
        let id = message.id.clone().filter(|id| !id.is_empty());
        if !self.redraws {
            // A bar that nobody can see move is only noise.
            let is_bar = message.bar().is_some();
            return if is_bar {
                Ok(())
            } else {
                self.put(format!("{line}\n"))
            };
        }
        let Some(id) = id.filter(|_| message.detail.is_some()) else {
            self.ids.clear();
            return self.put(format!("{line}\n"));
        };
        if let Some(index) = self.ids.iter().position(|known| *known == id) {
            let up = self.ids.len() - index;
            return self.put(format!("\u{1b}[{up}A\u{1b}[2K\r{line}\u{1b}[{up}B\r"));
        }
        self.ids.push(id);
        self.put(format!("{line}\n"))
    }

    fn put(&mut self, text: String) -> std::io::Result<()> {
        match self.shown {
            Shown::Nowhere => Ok(()),
            Shown::OnStderr => self.out.notice(text),
            Shown::OnStdout => {
                self.out.text(text)?;
                self.out.flush()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> Message {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_bar_grows_with_what_is_done() {
        let half = message(
            r#"{"status":"Loading layer","id":"a","progressDetail":{"current":1000,"total":2000}}"#,
        );
        assert_eq!(
            half.line(),
            format!(
                "a: Loading layer [{}>{}]      1kB/2kB",
                "=".repeat(25),
                " ".repeat(24)
            )
        );
        let whole = message(r#"{"progressDetail":{"current":2000,"total":2000}}"#);
        assert_eq!(
            whole.bar().unwrap(),
            format!("[{}]      2kB/2kB", "=".repeat(50))
        );
        assert_eq!(message(r#"{"progressDetail":{}}"#).bar(), None);
    }

    #[test]
    fn an_error_is_told_by_either_field() {
        assert_eq!(message(r#"{"error":"a"}"#).failure().as_deref(), Some("a"));
        let both = message(r#"{"errorDetail":{"message":"b"},"error":"a"}"#);
        assert_eq!(both.failure().as_deref(), Some("b"));
        assert_eq!(message(r#"{"status":"x"}"#).failure(), None);
    }
}
