//! Whether a set of files would work: what a peer checks, and what an administrator should.

mod checks;
mod path;

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::clock::Clock;
use crate::name::SubjectName;

pub use path::verify_path;

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

/// What is wrong, for programs that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// An authority's certificate stands where a server's or client's belongs.
    AuthorityAsLeaf,
    /// The authority's time is over.
    AuthorityExpired,
    /// The authority's time has not come.
    AuthorityNotYetValid,
    /// Good for servers and for clients.
    BothPurposes,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time is nearly over.
    ExpiresSoon,
    /// A private key where a certificate belongs.
    HoldsKey,
    /// The key cannot be used without a passphrase.
    KeyEncrypted,
    /// The key is not the certificate's.
    KeyMismatch,
    /// Others may read the key.
    KeyOpen,
    /// A kind or size of key that is not used.
    KeyUnsupported,
    /// Valid for longer than is good practice.
    LongLived,
    /// No certificate, or a malformed one.
    NoCertificate,
    /// No private key in the key's file.
    NoKey,
    /// No subject alternative name.
    NoNames,
    /// The authority's file holds no authority.
    NotAnAuthority,
    /// The certificate's time has not come.
    NotYetValid,
    /// Another authority issued it.
    UnknownIssuer,
    /// A file that cannot be read.
    Unreadable,
    /// Others may replace what the file says.
    WritableByOthers,
    /// A name that clients use is missing.
    WrongName,
    /// Not good for what it is used for.
    WrongPurpose,
}

/// One check and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What is wrong, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
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
