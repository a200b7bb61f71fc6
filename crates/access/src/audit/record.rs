//! The lines of the audit trail.
//!
//! One JSON object a line. `sequence` grows by one from line to line, over restarts too: a gap is a
//! lost line. `call` joins the two lines of one call. No body, header or query is ever written.
//! `previous` and `hash` are what `chain` says; they are left out of this drawing.
//!
//! ```text
//! {"sequence":7,"time":"2026-11-22T10:00:00Z","event":"decision","call":"41d0…","decision":"allow","identity":{"kind":"unix","uid":0,"gid":0,"pid":812},"peer":"unix","operation":"ContainerCreate","target":"web","version":"1.50","role":"admin","rule":"allow *","powers":["privileged"],"facts":"9f86…"}
//! {"sequence":8,"time":"2026-11-22T10:00:01Z","event":"end","call":"41d0…","outcome":"done","status":201,"duration_ms":12,"bytes":88}
//! {"sequence":9,"time":"2026-11-22T10:00:02Z","event":"refused","peer":"192.0.2.7:41022","reason":"expired_certificate","detail":"…"}
//! {"sequence":10,"time":"2026-11-22T10:00:03Z","event":"checkpoint","key":"5feceb66ffc86f38","signature":"…"}
//! {"sequence":11,"time":"2026-11-22T10:00:04Z","event":"rotated","from":"audit.log.00000000000000000001","removed_through":0}
//! {"sequence":12,"time":"2026-11-22T10:00:05Z","event":"start","version":"0.1.0","key":"5feceb66ffc86f38"}
//! {"sequence":13,"time":"2026-11-22T10:00:06Z","event":"recovered","bytes":71,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","reason":"torn"}
//! {"sequence":14,"time":"2026-11-22T10:00:07Z","event":"lost","records":3}
//! {"sequence":15,"time":"2026-11-22T10:00:08Z","event":"elevated","elevation":"6b86b273ff34","who":"cn=alice","role":"admin","until":"2026-11-22T10:15:08Z","by":{"kind":"unix","uid":0,"gid":0,"pid":812}}
//! {"sequence":16,"time":"2026-11-22T10:00:09Z","event":"elevation_ended","elevation":"6b86b273ff34","who":"cn=alice","role":"admin","reason":"expired"}
//! {"sequence":17,"time":"2026-11-22T10:00:10Z","event":"unproven","reason":"no_head","signed_through":0,"through":16}
//! ```
//!
//! `decision` is `allow` or `deny` (then `reason` says why); `outcome` is `done`, `aborted` (the
//! client left, or the answer broke off), `revoked` (the identity or its role ended) or `panicked`.

use std::borrow::Cow;
use std::fmt::Write as _;

use lockgate_types::Timestamp;
use serde::Serialize;

use super::Hash;
use crate::Principal;

/// One line, without the number and time that the writer adds.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Record<'a> {
    /// A signature over the number of this record and the hash before it.
    Checkpoint {
        key: &'a str,
        signature: &'a str,
    },
    Decision(Decision<'a>),
    /// A role is lent, from this record on.
    Elevated {
        elevation: &'a str,
        who: &'a str,
        role: &'a str,
        until: Timestamp,
        by: &'a Principal,
    },
    /// A role is lent no more. One that a `start` comes before ended with its daemon.
    ElevationEnded {
        elevation: &'a str,
        who: &'a str,
        role: &'a str,
        reason: &'static str,
    },
    End(Ending<'a>),
    /// So many records before this one could not be written.
    Lost {
        records: u64,
    },
    /// What stands before this line is no record: so many bytes, newline included.
    Recovered {
        bytes: u64,
        sha256: Hash,
        reason: &'static str,
    },
    Refused(&'a Refusal<'a>),
    /// The file before this one, and the last record that was removed because of its age.
    Rotated {
        from: &'a str,
        removed_through: u64,
    },
    /// A daemon begins to write.
    Start {
        version: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
    },
    /// At its start a daemon found records that nothing signed speaks for, or nothing that says how many there
    /// should be.
    Unproven {
        reason: &'static str,
        signed_through: u64,
        through: u64,
    },
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
    /// What in the role decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) powers: &'a [crate::Power],
    /// SHA-256 of everything that was judged.
    pub(crate) facts: &'a str,
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
    previous: Hash,
    #[serde(flatten)]
    record: &'a Record<'a>,
}

impl Record<'_> {
    /// The JSON object of the line, before it is sealed.
    pub(crate) fn object(
        &self,
        sequence: u64,
        time: Timestamp,
        previous: Hash,
    ) -> Result<String, serde_json::Error> {
        let object = serde_json::to_string(&Line {
            sequence,
            time,
            previous,
            record: self,
        })?;
        Ok(escape(object))
    }
}

/// What a caller chose, so short that nobody can fill the trail with it: names are shorter, and of what is longer the
/// hash is kept.
pub(crate) fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let end = text.floor_char_boundary(LONGEST);
    let start = text.get(..end).unwrap_or_default();
    let (length, hash) = (text.len(), Hash::of(text.as_bytes()));
    format!("{start}… ({length} bytes, SHA-256 {hash})").into()
}

/// In bytes. A repository's name has 255 at most, a tag 128, a name of a container or volume 255.
const LONGEST: usize = 1024;

/// Whether a character could fool the reader of a terminal or split a line in some viewer.
pub(crate) fn must_be_escaped(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Escapes, as JSON does, what JSON would let through and a terminal should not see. In a record such characters can
/// only stand inside strings.
pub fn escape(json: String) -> String {
    if !json.chars().any(must_be_escaped) {
        return json;
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
