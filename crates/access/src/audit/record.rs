//! The lines of the audit trail.
//!
//! One JSON object a line. `sequence` grows by one from line to line, over restarts too: a gap is a
//! lost line. `call` joins the two lines of one call. No body, header or query is ever written.
//!
//! ```text
//! {"sequence":7,"time":"2026-11-22T10:00:00Z","event":"decision","call":"41d0…","decision":"allow","identity":{"kind":"unix","uid":0,"gid":0,"pid":812},"peer":"unix","operation":"ContainerCreate","target":"web","version":"1.50","role":"admin","powers":["privileged"]}
//! {"sequence":8,"time":"2026-11-22T10:00:01Z","event":"end","call":"41d0…","outcome":"done","status":201,"duration_ms":12,"bytes":88}
//! {"sequence":9,"time":"2026-11-22T10:00:02Z","event":"refused","peer":"192.0.2.7:41022","reason":"expired_certificate","detail":"…"}
//! ```
//!
//! `decision` is `allow` or `deny` (then `reason` says why); `outcome` is `done`, `aborted` (the
//! client left, or the answer broke off), `revoked` (the identity or its role ended) or `panicked`.

use std::fmt::Write as _;

use lockgate_types::Timestamp;
use serde::Serialize;

use crate::Principal;

/// One line, without the number and time that the writer adds.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Record<'a> {
    Decision(Decision<'a>),
    End(Ending<'a>),
    Refused(&'a Refusal<'a>),
}

#[derive(Debug, Serialize)]
pub(crate) struct Decision<'a> {
    pub(crate) call: &'a str,
    #[serde(rename = "decision")]
    pub(crate) verdict: &'static str,
    pub(crate) identity: &'a Principal,
    pub(crate) peer: &'a str,
    pub(crate) operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<&'a str>,
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) powers: &'a [crate::Power],
}

#[derive(Debug, Serialize)]
pub(crate) struct Ending<'a> {
    pub(crate) call: &'a str,
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    pub(crate) duration_ms: u64,
    pub(crate) bytes: u64,
}

/// A connection or request that was refused before there was a call to judge.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal<'a> {
    /// Where the connection comes from.
    pub peer: &'a str,
    /// Who it is, if that was known already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<&'a Principal>,
    /// A stable word, such as `unknown_ca`.
    pub reason: &'static str,
    /// What happened, for people.
    pub detail: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    sequence: u64,
    time: Timestamp,
    #[serde(flatten)]
    record: &'a Record<'a>,
}

impl Record<'_> {
    /// The line, with its newline.
    pub(crate) fn line(&self, sequence: u64, time: Timestamp) -> Result<String, serde_json::Error> {
        let mut line = escape(&serde_json::to_string(&Line {
            sequence,
            time,
            record: self,
        })?);
        line.push('\n');
        Ok(line)
    }
}

/// Whether a character could fool the reader of a terminal or split a line in some viewer.
pub(crate) fn must_be_escaped(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Escapes what JSON would let through; such characters can only stand inside strings.
fn escape(json: &str) -> String {
    if !json.chars().any(must_be_escaped) {
        return json.to_owned();
    }
    json.chars()
        .fold(String::with_capacity(json.len() + 32), |mut out, c| {
            if must_be_escaped(c) {
                // Every escaped character lies in the first plane, and a `String` takes all writes.
                write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default();
            } else {
                out.push(c);
            }
            out
        })
}
