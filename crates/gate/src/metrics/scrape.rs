//! What is looked up when somebody asks, and the text of all.

use std::sync::{Mutex, PoisonError};

use lockgate_access::AuditCounts;
use lockgate_types::Timestamp;
use prometheus::{IntCounterVec, IntGaugeVec, Registry, TextEncoder};

use super::{Metrics, counters, gauges};

/// `Content-Type` of Prometheus' text format.
pub(crate) const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

/// What is known elsewhere at the time of asking.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
    /// Containers by their state.
    pub(crate) containers: Vec<(&'static str, u64)>,
    /// Ends of certificates and lists.
    pub(crate) ends: Vec<(&'static str, Timestamp)>,
    pub(crate) audit: AuditCounts,
    /// Audit lines that log services did not take.
    pub(crate) sinks: Vec<(&'static str, u64)>,
    /// Telemetry that was not delivered, by signal.
    pub(crate) undelivered: Vec<(&'static str, u64)>,
}

#[derive(Debug)]
pub(super) struct Gauges {
    containers: IntGaugeVec,
    ends: IntGaugeVec,
    records: IntCounterVec,
    sinks: IntCounterVec,
    undelivered: IntCounterVec,
    /// One text at a time: the gauges are set for it.
    turn: Mutex<()>,
}

impl Gauges {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            containers: gauges(r, "containers", "Containers by state.", &["state"])?,
            ends: gauges(
                r,
                "certificate_not_after_timestamp_seconds",
                "When our certificate, the authority's and the revocation list end (Unix time).",
                &["name"],
            )?,
            records: counters(
                r,
                "audit_records_total",
                "Audit records: written, and failed because the file could not be written to.",
                &["result"],
            )?,
            sinks: counters(
                r,
                "audit_sink_lost_total",
                "Audit lines that a log service did not take.",
                &["sink"],
            )?,
            undelivered: counters(
                r,
                "telemetry_lost_total",
                "Audit records (logs) and spans (traces) that no collector took.",
                &["signal"],
            )?,
            turn: Mutex::default(),
        })
    }

    fn set(&self, scrape: &Scrape) {
        self.containers.reset();
        for (state, count) in &scrape.containers {
            let state = self.containers.with_label_values(&[*state]);
            state.set(whole(*count));
        }
        self.ends.reset();
        for (name, end) in &scrape.ends {
            let end = end.unix_seconds();
            self.ends.with_label_values(&[*name]).set(end);
        }
        let AuditCounts { written, failed } = scrape.audit;
        for (result, count) in [("written", written), ("failed", failed)] {
            count_as(&self.records, result, count);
        }
        for (sink, count) in &scrape.sinks {
            count_as(&self.sinks, sink, *count);
        }
        for (signal, count) in &scrape.undelivered {
            count_as(&self.undelivered, signal, *count);
        }
    }
}

/// A counter that is kept elsewhere.
fn count_as(family: &IntCounterVec, label: &str, count: u64) {
    let counter = family.with_label_values(&[label]);
    counter.reset();
    counter.inc_by(count);
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Metrics {
    /// Everything in the text format, version 0.0.4.
    pub(crate) fn text(&self, scrape: &Scrape) -> prometheus::Result<String> {
        let _turn = self
            .scraped
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.scraped.set(scrape);
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
