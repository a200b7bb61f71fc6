//! What is known of a trail only when all of it was read.

use std::path::Path;

use super::walk::Walk;
use super::{Finding, Report, What};
use crate::audit::head::Head;

impl Walk<'_> {
    /// What is known only at the end. `now` is what the head says by then.
    pub(super) fn finish(mut self, head_path: &Path, now: Option<&Head>) -> Report {
        if let Some(debris) = self.debris.take() {
            self.push(debris.last_of_all());
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
        // The second number is nobody's word: it may be anything.
        self.report.unsigned = last
            .min(now.last.sequence)
            .saturating_sub(now.signed.sequence);
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
}
