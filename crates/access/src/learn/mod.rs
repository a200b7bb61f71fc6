//! From what somebody did to the least role that lets it happen again.

mod only;
mod role;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use lockgate_api::Operation;
use serde::{Deserialize, Serialize};

use crate::facts::{Details, Reference, Wish};
use crate::observer::Decided;

/// A decision as it is told to whoever learns. No environment and no secret is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    operation: String,
    allowed: bool,
    /// Power over the host that was asked for, or came with what was entered.
    wishes: Vec<Wish>,
    uses: Vec<Reference>,
    details: Details,
    /// Whether all objects belong to who asked; `None` if there were none.
    own: Option<bool>,
}

/// What was learnt so far.
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    operations: BTreeSet<Operation>,
    seen: Vec<Seen>,
    denied: BTreeSet<Operation>,
    missed: u64,
}

/// What is not a line of a lesson.
#[derive(Debug, thiserror::Error)]
pub enum LessonError {
    /// Another version wrote it, or something else did.
    #[error("the daemon said what is not understood here")]
    Json(#[from] serde_json::Error),
    /// Of another version.
    #[error("the daemon named an operation that is not known here: {0}")]
    Operation(String),
    /// There would be no end of it.
    #[error("more than {MOST} different calls were seen; learn for a shorter time")]
    TooMuch,
}

/// Different calls of one lesson.
const MOST: usize = 100_000;

impl Lesson {
    /// A decision as a JSON object.
    pub fn line(decided: &Decided<'_>) -> String {
        let entered = (decided.entered)();
        let mut wishes: Vec<Wish> = decided.facts.wishes.clone();
        wishes.extend(entered.wishes);
        wishes.sort();
        wishes.dedup();
        let seen = Seen {
            operation: decided.operation.name().to_owned(),
            allowed: decided.allowed,
            wishes,
            uses: decided.facts.uses.clone(),
            details: decided.facts.details.clone(),
            own: entered.own,
        };
        // Texts, numbers and lists are JSON.
        serde_json::to_string(&seen).unwrap_or_default()
    }

    /// Takes in one such object. What was denied is remembered by name alone, unless it is to be learnt too.
    pub fn add(&mut self, line: &str, denied_too: bool) -> Result<(), LessonError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Missed { missed: u64 },
            Seen(Box<Seen>),
        }
        let seen = match serde_json::from_str(line)? {
            Said::Missed { missed } => {
                self.missed += missed;
                return Ok(());
            }
            Said::Seen(seen) => *seen,
        };
        let operation = Operation::from_name(&seen.operation)
            .ok_or_else(|| LessonError::Operation(seen.operation.clone()))?;
        if !seen.allowed && !denied_too {
            self.denied.insert(operation);
            return Ok(());
        }
        self.operations.insert(operation);
        self.operations.extend(seen.details.also());
        if self.seen.len() >= MOST {
            return Err(LessonError::TooMuch);
        }
        let known = |other: &Seen| {
            other.details == seen.details
                && other.wishes == seen.wishes
                && other.uses == seen.uses
                && other.own == seen.own
        };
        if !self.seen.iter().rev().take(RECENT).any(known) {
            self.seen.push(seen);
        }
        Ok(())
    }

    /// Whether anything was learnt.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// How far back a call is looked for that is the same again.
const RECENT: usize = 64;
