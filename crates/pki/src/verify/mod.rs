//! Whether a set of files would work: what a peer checks, and what an administrator should.

mod checks;
mod path;

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::clock::Clock;
use crate::name::SubjectName;

pub(crate) use path::verify_path;

/// What a certificate is to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Proving who connects.
    Client,
    /// Proving which host answers.
    Server,
}

impl Purpose {
    /// Its name in certificates.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Client => "clientAuth",
            Self::Server => "serverAuth",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// The files to check, and against what.
#[derive(Clone, Debug)]
pub struct CheckedSet {
    /// The certificates that are trusted.
    pub ca: PathBuf,
    /// The certificate, with intermediate ones after it if there are any.
    pub certificate: PathBuf,
    /// Its key; not checked if absent.
    pub key: Option<PathBuf>,
    /// What it must be good for; what it says itself if absent.
    pub purpose: Option<Purpose>,
    /// Names that the certificate must hold.
    pub hosts: Vec<SubjectName>,
    /// When.
    pub clock: Clock,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Peers will refuse it, or it is dangerous.
    Failed,
    /// As it should be.
    Passed,
    /// It works, and should be looked at.
    Warning,
}

/// One check and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// The finding; for a failure also what to do.
    pub text: String,
}

/// All checks, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The checks.
    pub checks: Vec<Check>,
}

impl VerifyReport {
    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.verdict != Verdict::Failed)
    }
}

/// Checks a set of files. Whatever is wrong with them is in the report.
pub fn verify_set(set: &CheckedSet) -> VerifyReport {
    VerifyReport {
        checks: checks::all(set),
    }
}
