//! The parts of a record that matter to whoever checks it.

use serde::Deserialize;

use super::Why;
use crate::audit::Hash;
use crate::audit::chain::Sealed;

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    Checkpoint {
        key: String,
        signature: String,
    },
    Lost {
        records: u64,
    },
    Recovered {
        bytes: u64,
        sha256: Hash,
    },
    Rotated {
        removed_through: u64,
    },
    Start {
        key: Option<String>,
    },
    Unproven {
        reason: Why,
        signed_through: u64,
        through: u64,
    },
    #[serde(other)]
    Other,
}

impl Event {
    /// Nearly all lines are usual ones, and are not read twice.
    pub(super) fn of(sealed: &Sealed, line: &[u8]) -> Self {
        if sealed.is_usual {
            return Self::Other;
        }
        serde_json::from_slice(line).unwrap_or(Self::Other)
    }
}
