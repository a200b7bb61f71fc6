//! Why a command did not do what was asked, as the user reads it.

use std::fmt;

/// A message for the user, the exit status that belongs to it, and hints.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    message: String,
    hints: Vec<String>,
    to_stdout: bool,
}

/// What every command returns: the exit status, or why it failed.
pub(crate) type Outcome = Result<u8, Failure>;

impl Failure {
    /// A failure with exit status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: 1,
            message: message.into(),
            hints: Vec::new(),
            to_stdout: false,
        }
    }

    /// The same failure with another exit status.
    pub(crate) fn status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// Adds a `hint:` line that says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Text that was asked for, such as help: stdout, exit status 0.
    pub(crate) fn requested_text(text: impl Into<String>) -> Self {
        Self {
            status: 0,
            message: text.into(),
            hints: Vec::new(),
            to_stdout: true,
        }
    }

    /// The exit status of the process.
    pub(crate) fn code(&self) -> u8 {
        self.status
    }

    /// The hints, in the order they were added.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Whether the text belongs on stdout.
    pub(crate) fn is_requested_text(&self) -> bool {
        self.to_stdout
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    /// A pipe that nobody reads any more ends us in silence, with the status of SIGPIPE.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new("").status(128 + 13);
        }
        Self::new(crate::config::go_error(&error))
    }
}

impl From<anyhow::Error> for Failure {
    /// The whole chain in one line, outermost first.
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("{error:#}"))
    }
}
