//! The only place that writes to stdout and stderr.

use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};

use crate::failure::Failure;

/// Both standard streams. Stdout is buffered; it is flushed before anything goes to stderr.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    err: Stderr,
}

impl Output {
    /// The process' own streams.
    pub(crate) fn new() -> Self {
        Self {
            out: BufWriter::with_capacity(16 * 1024, io::stdout()),
            err: io::stderr(),
        }
    }

    /// One line on stdout.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.out.write_all(text.as_ref().as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// Text on stdout as it is.
    pub(crate) fn text(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.out.write_all(text.as_ref().as_bytes())
    }

    /// Bytes on stdout, at once.
    pub(crate) fn bytes_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// One line on stderr.
    pub(crate) fn note(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.notice(format!("{}\n", text.as_ref()))
    }

    /// Text on stderr as it is.
    pub(crate) fn notice(&mut self, text: impl AsRef<str>) -> io::Result<()> {
        self.out.flush()?;
        self.err.write_all(text.as_ref().as_bytes())
    }

    /// Hands over everything that was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Whether stdout is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.out.get_ref().is_terminal()
    }

    /// Whether stderr is a terminal.
    pub(crate) fn errors_on_terminal(&self) -> bool {
        self.err.is_terminal()
    }

    /// Tells the user why it failed; returns the exit status.
    pub(crate) fn failure(&mut self, failure: &Failure) -> u8 {
        let told = self.tell(failure);
        // Nobody reads us any more (`lockgate ps | head`): that is no failure of its own.
        if told.is_err() && failure.code() == 0 {
            1
        } else {
            failure.code()
        }
    }

    fn tell(&mut self, failure: &Failure) -> io::Result<()> {
        if failure.is_requested_text() {
            self.text(failure.to_string())?;
            return self.flush();
        }
        let text = failure.to_string();
        if !text.is_empty() {
            self.note(&text)?;
        }
        for hint in failure.hints() {
            self.note(format!("hint: {hint}"))?;
        }
        Ok(())
    }
}
