//! One pass over the lines of a trail.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Deserialize;

use super::{Finding, Report, What, Why};
use crate::audit::chain::Sealed;
use crate::audit::head::Head;
use crate::audit::key::Signed;
use crate::audit::{AuditKey, Hash};

/// After so many findings the rest would tell nothing new.
const ENOUGH: usize = 100;

/// Where the pass is.
pub(super) struct Walk<'a> {
    key: &'a AuditKey,
    numbers: Vec<u64>,
    report: Report,
    file: PathBuf,
    line: u64,
    /// The line goes on: it is too long to be read at once.
    within: bool,
    /// The first record that the head did not know.
    beyond: Option<Finding>,
    /// The record before: its number, and the hash that it gives itself.
    before: Option<(u64, Hash)>,
    debris: Option<Debris>,
    /// The last record that was removed on purpose, as a rotation says.
    removed_through: u64,
    /// A gap before the first record, which a later rotation may explain.
    beginning: Option<Finding>,
    head: Option<Head>,
    /// The hash of the record that the head signs, and of the one that it names last.
    at_head: Option<Hash>,
    at_last: Option<Hash>,
}

/// Lines that are no records, until a record explains them.
struct Debris {
    at: (PathBuf, u64),
    context: Context,
    bytes: u64,
    ended: bool,
}

/// The parts of a record that matter here.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
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

impl<'a> Walk<'a> {
    pub(super) fn new(key: &'a AuditKey, numbers: Vec<u64>, head: Option<Head>) -> Self {
        Self {
            key,
            numbers,
            report: Report::default(),
            file: PathBuf::new(),
            line: 0,
            within: false,
            beyond: None,
            before: None,
            debris: None,
            removed_through: 0,
            beginning: None,
            head,
            at_head: None,
            at_last: None,
        }
    }

    pub(super) fn enter(&mut self, file: &Path) {
        file.clone_into(&mut self.file);
        self.line = 0;
        self.within = false;
    }

    pub(super) fn line(&mut self, line: &[u8], ended: bool) {
        if !self.within {
            self.line += 1;
        }
        self.within = !ended;
        match Sealed::read(line) {
            Some(sealed) => self.record(&sealed, line),
            None => self.debris(line, ended),
        }
    }

    fn record(&mut self, sealed: &Sealed, line: &[u8]) {
        let event = serde_json::from_slice(line).unwrap_or(Event::Other);
        self.explain(&event);
        self.place(sealed);
        if !sealed.is_whole() {
            self.found(What::Edited {
                sequence: sealed.sequence,
            });
        }
        self.event(&event, sealed);
        self.report.records += 1;
        self.report.first = self.report.first.or(Some(sealed.sequence));
        self.report.last = self.report.last.max(Some(sealed.sequence));
        if self
            .before
            .is_none_or(|(number, _)| sealed.sequence > number)
        {
            self.before = Some((sealed.sequence, sealed.hash));
        }
        let Some(head) = &self.head else { return };
        if head.last.sequence == sealed.sequence {
            self.at_last = Some(sealed.hash);
        }
        if head.signed.sequence == sealed.sequence {
            self.at_head = Some(sealed.hash);
        } else if head.signed.sequence < sealed.sequence && self.beyond.is_none() {
            self.beyond = Some(self.finding(What::Beyond {
                from: sealed.sequence,
                to: sealed.sequence,
            }));
        }
    }

    /// Whether the record stands where it belongs and follows from the one before.
    fn place(&mut self, sealed: &Sealed) {
        let Some((number, hash)) = self.before else {
            return self.first(sealed);
        };
        let expected = number.saturating_add(1);
        if sealed.sequence == expected {
            if sealed.previous != hash {
                self.found(What::Replaced { sequence: number });
            }
            return;
        }
        let absent = self.absent(expected, sealed.sequence);
        match absent {
            Some((from, to)) => self.found(What::Missing { from, to }),
            None => self.found(What::Reordered {
                sequence: sealed.sequence,
                expected,
            }),
        }
    }

    /// A trail begins at 1, or where older files were removed.
    fn first(&mut self, sealed: &Sealed) {
        let is_start = sealed.sequence == 1 || sealed.previous == Hash::NONE;
        if !is_start {
            self.beginning = Some(self.finding(What::Missing {
                from: 1,
                to: sealed.sequence - 1,
            }));
        }
    }

    /// The first run of numbers from `from` and below `to` that is nowhere.
    fn absent(&self, from: u64, to: u64) -> Option<(u64, u64)> {
        let is_there = |number: &u64| self.numbers.binary_search(number).is_ok();
        let first = (from..to).find(|number| !is_there(number))?;
        let next = self.numbers.partition_point(|number| *number < first);
        let end = self.numbers.get(next).map_or(to, |number| *number).min(to);
        Some((first, end - 1))
    }

    fn event(&mut self, event: &Event, sealed: &Sealed) {
        match event {
            Event::Checkpoint { key, signature } => {
                let (number, hash) = (sealed.sequence, sealed.previous);
                let good = key == self.key.id()
                    && self
                        .key
                        .verifies(Signed::Checkpoint, number, hash, signature);
                self.signature(good, number);
            }
            Event::Lost { records } => {
                self.report.lost = self.report.lost.saturating_add(*records);
            }
            // A later one may have removed nothing.
            Event::Rotated { removed_through } => {
                self.removed_through = self.removed_through.max(*removed_through);
            }
            Event::Start { key: Some(key) } if key != self.key.id() => {
                self.found(What::OtherKey {
                    sequence: sealed.sequence,
                    key: key.clone(),
                });
            }
            Event::Unproven {
                reason,
                signed_through,
                through,
            } => self.unproven(*reason, *signed_through, *through),
            Event::Start { .. } | Event::Recovered { .. } | Event::Other => {}
        }
    }

    /// Between a record and the head that knows it a process may be killed.
    fn unproven(&mut self, why: Why, signed_through: u64, through: u64) {
        if why == Why::BeyondHead && through.saturating_sub(signed_through) == 1 {
            self.report.unproven += 1;
            return;
        }
        self.found(What::Unproven {
            signed_through,
            through,
            why,
        });
    }

    fn signature(&mut self, good: bool, sequence: u64) {
        if good {
            self.report.signatures += 1;
            self.report.signed_through = self.report.signed_through.max(sequence);
        } else {
            self.found(What::Signature { sequence });
        }
    }

    fn debris(&mut self, line: &[u8], ended: bool) {
        let at = (self.file.clone(), self.line);
        let debris = self.debris.get_or_insert_with(|| Debris {
            at,
            context: Context::new(&SHA256),
            bytes: 0,
            ended: true,
        });
        debris.context.update(line);
        debris.bytes += line.len() as u64;
        debris.ended = ended;
        if ended {
            debris.context.update(b"\n");
            debris.bytes += 1;
        }
    }

    /// Lines that are no records are explained by the record behind them, or are found.
    fn explain(&mut self, event: &Event) {
        let Some(debris) = self.debris.take() else {
            return;
        };
        let computed = debris.context.clone().finish();
        match event {
            Event::Recovered { bytes, sha256 }
                if *bytes == debris.bytes && *sha256 == Hash::from(computed) =>
            {
                self.report.closed_off += 1;
            }
            Event::Recovered { .. }
            | Event::Checkpoint { .. }
            | Event::Lost { .. }
            | Event::Rotated { .. }
            | Event::Start { .. }
            | Event::Unproven { .. }
            | Event::Other => self.push(debris.found(What::NoRecord)),
        }
    }

    /// What is known only at the end. `now` is what the head says by then.
    pub(super) fn finish(mut self, head_path: &Path, now: Option<&Head>) -> Report {
        if let Some(debris) = self.debris.take() {
            let what = if debris.ended {
                What::NoRecord
            } else {
                What::Torn
            };
            self.push(debris.found(what));
        }
        let begins_at = self.report.first.unwrap_or(1);
        if let Some(beginning) = self
            .beginning
            .take()
            .filter(|_| begins_at.saturating_sub(1) > self.removed_through)
        {
            self.report.findings.insert(0, beginning);
        }
        self.check_beyond(now);
        self.check_head(head_path);
        self.report
    }

    /// What was added by whoever could not write the head. What the head names and does not sign was written in
    /// its last moment: only a daemon can tell by whom, and says so when it starts.
    fn check_beyond(&mut self, now: Option<&Head>) {
        let last = self.report.last.unwrap_or(0);
        let beyond = self.beyond.take().zip(now);
        let Some((mut finding, now)) = beyond.filter(|(_, now)| now.signed.sequence < last) else {
            return;
        };
        self.report.unsigned = last.min(now.last.sequence) - now.signed.sequence.min(last);
        if now.last.sequence >= last {
            return;
        }
        finding.what = What::Beyond {
            from: now.last.sequence + 1,
            to: last,
        };
        self.push(finding);
    }

    fn check_head(&mut self, path: &Path) {
        let last = self.report.last.unwrap_or(0);
        let Some(head) = self.head.take() else {
            return self.push(Finding {
                file: path.to_owned(),
                line: 0,
                what: What::NoHead,
            });
        };
        let named = head.signed.sequence.max(head.last.sequence);
        if named > last {
            self.found(What::Truncated {
                from: last + 1,
                to: named,
            });
        }
        let at = [(self.at_head, &head.signed), (self.at_last, &head.last)];
        let replaced = at
            .iter()
            .find(|(hash, named)| hash.is_some_and(|hash| hash != named.hash));
        if let Some((_, named)) = replaced {
            self.found(What::Replaced {
                sequence: named.sequence,
            });
        }
        path.clone_into(&mut self.file);
        self.line = 0;
        self.signature(head.is_signed_by(self.key), head.signed.sequence);
        self.report.signed_through = self.report.signed_through.min(last);
    }

    fn found(&mut self, what: What) {
        let finding = self.finding(what);
        self.push(finding);
    }

    fn finding(&self, what: What) -> Finding {
        Finding {
            file: self.file.clone(),
            line: self.line,
            what,
        }
    }

    fn push(&mut self, finding: Finding) {
        if self.report.findings.len() < ENOUGH {
            self.report.findings.push(finding);
        }
    }
}

impl Debris {
    fn found(&self, what: What) -> Finding {
        Finding {
            file: self.at.0.clone(),
            line: self.at.1,
            what,
        }
    }
}
