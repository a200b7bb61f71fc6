//! What a start finds that no signature speaks for. It is said in the trail, once and for all: the next record
//! is signed, and so would hide that the end was cut off or added to before.

use super::head::Head;
use super::key::SigningKey;
use super::{Hash, Record};

/// What lay beside the trail at the start.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key_is_new: bool,
    pub(super) head: Option<Head>,
}

/// Records up to `through` are there, and up to `signed_through` they are known to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    reason: &'static str,
    signed_through: u64,
    through: u64,
}

impl Found {
    /// Where the head says that the trail ends; what nobody signed says nothing.
    pub(super) fn end(&self, key: &SigningKey) -> Option<(u64, Hash)> {
        let ours = self.head.as_ref().filter(|head| head.is_by(key));
        ours.map(|head| (head.last.sequence, head.last.hash))
    }

    /// Whether the records up to `last` are what the head says.
    pub(super) fn doubt(&self, key: &SigningKey, last: u64, has_records: bool) -> Option<Doubt> {
        let doubt = |reason, signed_through| {
            Some(Doubt {
                reason,
                signed_through,
                through: last,
            })
        };
        match &self.head {
            None if self.key_is_new && !has_records => None,
            _ if self.key_is_new => doubt("new_key", 0),
            None => doubt("no_head", 0),
            Some(head) if !head.is_by(key) => doubt("foreign_head", 0),
            Some(head) if last > head.last.sequence => doubt("beyond_head", head.last.sequence),
            Some(_) => None,
        }
    }
}

impl Doubt {
    pub(super) fn record(self) -> Record<'static> {
        Record::Unproven {
            reason: self.reason,
            signed_through: self.signed_through,
            through: self.through,
        }
    }
}
