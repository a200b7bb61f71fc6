//! One pass over the lines of a trail.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockgate_types::Timestamp;

use super::debris::Debris;
use super::event::Event;
use super::{Finding, Report, What, Why};
use crate::audit::chain::Sealed;
use crate::audit::head::Head;
use crate::audit::key::Signed;
use crate::audit::{AuditKey, Hash};

/// After so many findings the rest would tell nothing new.
const ENOUGH: usize = 100;

/// A clock that is set right goes back less.
const NOTICED: Duration = Duration::from_secs(1);

/// Where the pass is.
pub(super) struct Walk<'a> {
    pub(super) key: &'a AuditKey,
    numbers: Vec<u64>,
    pub(super) report: Report,
    pub(super) file: PathBuf,
    pub(super) line: u64,
    /// The line goes on: it is too long to be read at once.
    within: bool,
    /// The first record that the head did not know.
    pub(super) beyond: Option<Finding>,
    /// What the clock said last.
    time: Option<Timestamp>,
    /// The record before: its number, and the hash that it gives itself.
    before: Option<(u64, Hash)>,
    pub(super) debris: Option<Debris>,
    /// The last record that was removed on purpose, as a rotation says.
    pub(super) removed_through: u64,
    /// A gap before the first record, which a later rotation may explain.
    pub(super) beginning: Option<Finding>,
    pub(super) head: Option<Head>,
    /// The hash of the record that the head signs, and of the one that it names last.
    pub(super) at_head: Option<Hash>,
    pub(super) at_last: Option<Hash>,
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
            time: None,
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
            None => self.no_record(line, ended),
        }
    }

    fn no_record(&mut self, line: &[u8], ended: bool) {
        let begun = || Debris::at(self.file.clone(), self.line);
        self.debris.get_or_insert_with(begun).add(line, ended);
    }

    fn record(&mut self, sealed: &Sealed, line: &[u8]) {
        let event = Event::of(sealed, line);
        match self.debris.take() {
            Some(debris) if debris.is_explained_by(&event) => self.report.closed_off += 1,
            Some(debris) => self.push(debris.unexplained()),
            None => {}
        }
        self.place(sealed);
        if !sealed.is_whole() {
            self.found(What::Edited {
                sequence: sealed.sequence,
            });
        }
        self.event(&event, sealed);
        self.clock(sealed);
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
        let is_start = sealed.sequence <= 1 || sealed.previous == Hash::NONE;
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

    /// A record says when the clock said it was. Which one came first the numbers tell.
    fn clock(&mut self, sealed: &Sealed) {
        let by = self
            .time
            .zip(sealed.time)
            .map(|(before, now)| before.since(now));
        self.time = sealed.time.or(self.time);
        let furthest = self.report.set_back.map_or(NOTICED, |(_, by)| by);
        if let Some(by) = by.filter(|by| *by > furthest) {
            self.report.set_back = Some((sealed.sequence, by));
        }
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

    pub(super) fn signature(&mut self, good: bool, sequence: u64) {
        if good {
            self.report.signatures += 1;
            self.report.signed_through = self.report.signed_through.max(sequence);
        } else {
            self.found(What::Signature { sequence });
        }
    }

    pub(super) fn found(&mut self, what: What) {
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

    pub(super) fn push(&mut self, finding: Finding) {
        if self.report.findings.len() < ENOUGH {
            self.report.findings.push(finding);
        }
    }
}
