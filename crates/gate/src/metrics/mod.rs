//! What the door counts, for Prometheus.
//!
//! Labels have few values, whoever asks for whatever: operations and reasons are words of ours, and roles beyond
//! [`ROLES`] are counted as `other`. No identity, address or object is ever a label.

mod listen;
mod scrape;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lockgate_access::Decided;
use lockgate_api::{Operation, StreamKind};
use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

pub(crate) use listen::{bind, serve};
pub(crate) use scrape::{Scrape, TEXT_FORMAT};

/// So many names of roles are told apart, over all policies that were in place.
const ROLES: usize = 64;

/// Upper bounds in seconds: from what is answered from memory to an image that is loaded.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// The counters of a door.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    connections: IntGaugeVec,
    accepted: IntCounterVec,
    handshakes: IntCounterVec,
    decisions: IntCounterVec,
    requests: IntCounterVec,
    seconds: HistogramVec,
    streams: IntGaugeVec,
    refusals: IntCounterVec,
    limits: IntCounterVec,
    scraped: scrape::Gauges,
    roles: Mutex<BTreeSet<String>>,
}

/// One more of something, for as long as this is held.
#[derive(Debug)]
pub(crate) struct Held(IntGauge);

impl Held {
    fn of(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// All of them at zero. An error means that two have one name, which is a fault of ours.
    pub(crate) fn new(version: &str) -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some("lockgate".to_owned()), None)?;
        let r = &registry;
        let build = gauges(r, "build_info", "The version, as a label.", &["version"])?;
        build.with_label_values(&[version]).set(1);
        let seconds = HistogramOpts::new(
            "request_duration_seconds",
            "From the end of a request's head to the head of its answer.",
        );
        Ok(Self {
            connections: gauges(r, "connections", "Open connections.", &["transport"])?,
            accepted: counters(
                r,
                "accepted_connections_total",
                "Connections with an identity.",
                &["transport"],
            )?,
            handshakes: counters(
                r,
                "handshakes_total",
                "TLS handshakes by their result.",
                &["result"],
            )?,
            decisions: counters(
                r,
                "decisions_total",
                "Decisions, by what decided.",
                &["decision", "rule", "role", "operation"],
            )?,
            requests: counters(
                r,
                "requests_total",
                "Answered calls by the class of their status.",
                &["operation", "status"],
            )?,
            seconds: known(
                r,
                HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["operation"])?,
            )?,
            streams: gauges(
                r,
                "streams",
                "Answers that flow (down) and connections that became streams (hijack, h2c).",
                &["kind"],
            )?,
            refusals: counters(
                r,
                "refusals_total",
                "Connections and requests refused before there was a call.",
                &["reason"],
            )?,
            limits: counters(
                r,
                "limit_refusals_total",
                "Requests beyond the limits of their identity.",
                &["limit"],
            )?,
            scraped: scrape::Gauges::new(r)?,
            roles: Mutex::default(),
            registry,
        })
    }

    /// A connection with an identity.
    pub(crate) fn connection(&self, transport: &'static str) -> Held {
        self.accepted.with_label_values(&[transport]).inc();
        Held::of(self.connections.with_label_values(&[transport]))
    }

    /// A handshake ended: `ok`, or a word for what was wrong.
    pub(crate) fn handshake(&self, result: &'static str) {
        self.handshakes.with_label_values(&[result]).inc();
    }

    /// The head of an answer is there.
    pub(crate) fn answered(&self, operation: Operation, status: u16, after: Duration) {
        let class = match status {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let name = operation.name();
        self.requests.with_label_values(&[name, class]).inc();
        self.seconds
            .with_label_values(&[name])
            .observe(after.as_secs_f64());
    }

    /// A stream begins, if that is what the answer will be.
    pub(crate) fn stream(&self, kind: StreamKind) -> Option<Held> {
        let kind = match kind {
            StreamKind::None => return None,
            StreamKind::Down => "down",
            StreamKind::Hijack => "hijack",
            StreamKind::H2c => "h2c",
        };
        Some(Held::of(self.streams.with_label_values(&[kind])))
    }

    /// Something was refused before there was a call.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refusals.with_label_values(&[reason]).inc();
    }

    /// An identity has had its share of something.
    pub(crate) fn limited(&self, limit: &'static str) {
        self.limits.with_label_values(&[limit]).inc();
    }

    /// The name of a role as a label.
    fn role<'a>(&self, role: &'a str) -> &'a str {
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        if !roles.contains(role) {
            if roles.len() >= ROLES {
                return "other";
            }
            roles.insert(role.to_owned());
        }
        role
    }
}

impl Metrics {
    /// A decision was made.
    pub(crate) fn decided(&self, decided: &Decided<'_>) {
        let verdict = if decided.allowed { "allow" } else { "deny" };
        let role = decided.role.map_or("", |role| self.role(role));
        let labels = [verdict, decided.rule, role, decided.operation.name()];
        self.decisions.with_label_values(&labels).inc();
    }
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    known(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntGaugeVec> {
    known(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

/// Registers a family.
fn known<T: Collector + Clone + 'static>(registry: &Registry, family: T) -> prometheus::Result<T> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}
