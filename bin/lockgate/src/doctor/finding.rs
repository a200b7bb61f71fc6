//! What the doctor finds: one line that says why, and the command that mends it.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It does not work, or it lets in who must not come in.
    Error,
    /// It works, and will not, or not for everybody, or not safely for long.
    Warning,
    /// Worth knowing.
    Note,
    /// As it should be.
    Ok,
}

/// Which end it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// Environment, contexts and certificates of this user.
    Client,
    /// A daemon's files on this machine.
    Daemon,
    /// What answers at the address.
    Peer,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Stable, for scripts: `daemon.flag-and-file`.
    pub(crate) id: String,
    pub(crate) severity: Severity,
    pub(crate) end: End,
    /// Why, in one line.
    pub(crate) cause: String,
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
}

/// Everything found, in the order of looking.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// All of them.
    pub(crate) fn all(&self) -> &[Finding] {
        &self.0
    }

    /// How many are of this severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let same = self.0.iter().filter(|found| found.severity == severity);
        same.count()
    }

    /// 0 without errors and warnings, 1 with an error, 2 with warnings alone.
    pub(crate) fn status(&self) -> u8 {
        match (self.count(Severity::Error), self.count(Severity::Warning)) {
            (0, 0) => 0,
            (0, _) => 2,
            _ => 1,
        }
    }

    /// A pen for one end.
    pub(crate) fn at(&mut self, end: End) -> Pen<'_> {
        Pen { end, all: self }
    }
}

/// Writes findings about one end.
#[derive(Debug)]
pub(crate) struct Pen<'f> {
    end: End,
    all: &'f mut Findings,
}

impl Pen<'_> {
    /// As it should be.
    pub(crate) fn ok(&mut self, id: &str, what: impl Into<String>) {
        self.put(Severity::Ok, id, &what.into(), None);
    }

    /// Worth knowing.
    pub(crate) fn note(&mut self, id: &str, what: impl Into<String>) {
        self.put(Severity::Note, id, &what.into(), None);
    }

    /// Works, and should be mended.
    pub(crate) fn warn(&mut self, id: &str, why: impl Into<String>, fix: impl Into<String>) {
        self.put(Severity::Warning, id, &why.into(), Some(&fix.into()));
    }

    /// Does not work, or is dangerous.
    pub(crate) fn error(&mut self, id: &str, why: impl Into<String>, fix: impl Into<String>) {
        self.put(Severity::Error, id, &why.into(), Some(&fix.into()));
    }

    /// A finding whose severity was judged elsewhere.
    pub(crate) fn put(&mut self, severity: Severity, id: &str, cause: &str, fix: Option<&str>) {
        let end = match self.end {
            End::Client => "client",
            End::Daemon => "daemon",
            End::Peer => "peer",
        };
        self.all.0.push(Finding {
            id: format!("{end}.{id}"),
            severity,
            end: self.end,
            // What comes from a peer or a file must not write over the terminal.
            cause: one_line(cause),
            fix: fix.map(one_line),
        });
    }
}

fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}
