//! What a case is, and how it ends.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::target::{Endpoint, Who};

/// One attack.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The flaw's id where it has one, else a name.
    pub(crate) id: &'static str,
    /// What the attacker is after.
    pub(crate) title: &'static str,
    /// What is sent.
    pub(crate) sends: &'static str,
    pub(crate) run: Run,
}

/// How a case is run, and what counts as refused.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// The operator makes a container of this configuration. Refused: there is none afterwards.
    Create(&'static str),
    /// Who has to keep to something makes a container that does, but for this. Refused: there is none afterwards.
    Kept(&'static str),
    /// The operator sends these bytes, made for a container of this name. Refused: there is no
    /// privileged one afterwards.
    Bytes(fn(&str) -> Vec<u8>),
    /// Somebody asks for something. Refused: the answer is no success. `{c}` is a container of the
    /// administrator's, `{p}` a privileged one, `{s}` one of an image that is not for everybody.
    Ask(Who, &'static str, &'static str, Option<&'static str>),
    /// Something else, which judges itself.
    Call(fn(&Endpoint) -> Result<Verdict>),
    /// The same, and it waits for time to pass: run beside the others.
    Slow(fn(&Endpoint) -> Result<Verdict>),
    /// It cannot be tried from outside: these tests of ours do it.
    Tests(&'static str),
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// Nothing was executed and nothing was told.
    Refused(String),
    /// The attack worked, in these words.
    Leaked(String),
    /// It was not tried, for this reason.
    Skipped(String),
    /// Tests of Lockgate's own stand for it.
    Tests(String),
}

impl Verdict {
    pub(crate) fn refused(how: impl Into<String>) -> Self {
        Self::Refused(how.into())
    }

    pub(crate) fn leaked(what: impl Into<String>) -> Self {
        Self::Leaked(what.into())
    }

    /// Whether a run with this may be called clean.
    pub(crate) fn is_acceptable(&self) -> bool {
        !matches!(self, Self::Leaked(_))
    }

    /// The word for a table.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Leaked(_) => "**leaked**",
            Self::Skipped(_) => "not tried",
            Self::Tests(_) => "tests",
        }
    }

    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Refused(text) | Self::Leaked(text) | Self::Skipped(text) | Self::Tests(text) => {
                text
            }
        }
    }
}

/// A case and its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) verdict: Verdict,
}
