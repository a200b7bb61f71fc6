//! OpenTelemetry: spans and audit records to a collector, by OTLP over HTTP in its JSON encoding.
//!
//! ```text
//! gate (Span)          --\                                   /-> POST /v1/traces
//!                         >-- bounded queue -- batch, retry <
//! access (audit line)  --/                                   \-> POST /v1/logs
//! ```
//!
//! Whoever hands something in never waits: what finds the queue full, or no collector for too long, is dropped and
//! counted. The audit file has every record all the same.
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

mod encode;
mod endpoint;
mod post;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use lockgate_access::Outlet;
use lockgate_gate::{Span, Tracer};

pub use endpoint::{Endpoint, EndpointError};
use queue::Queue;

/// How long what waits may take to be sent at the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// The two streams to one collector.
#[derive(Clone, Debug)]
pub struct Telemetry {
    logs: Arc<Queue<String>>,
    traces: Arc<Queue<Span>>,
}

impl Telemetry {
    /// Begins to send to `endpoint`, whether anybody is there or not. Needs a tokio runtime.
    pub fn start(endpoint: &Endpoint, version: &str) -> Self {
        let of_logs = version.to_owned();
        let of_traces = version.to_owned();
        Self {
            logs: Queue::start(
                "logs",
                endpoint.path("/v1/logs"),
                String::len,
                move |lines| encode::logs(lines, &of_logs),
            ),
            // All of a span but `tracestate`, which is bounded, is ours.
            traces: Queue::start(
                "traces",
                endpoint.path("/v1/traces"),
                |_span| size_of::<Span>(),
                move |spans| encode::traces(spans, &of_traces),
            ),
        }
    }

    /// Sends what waits, if that does not take long.
    pub async fn close(&self) {
        let both = async { tokio::join!(self.logs.close(), self.traces.close()) };
        if tokio::time::timeout(FAREWELL, both).await.is_err() {
            tracing::warn!("the collector did not take the last telemetry");
        }
    }
}

impl Outlet for Telemetry {
    fn send(&self, line: &str) {
        self.logs.add(line.to_owned());
    }
}

impl Tracer for Telemetry {
    fn ended(&self, span: Span) {
        self.traces.add(span);
    }

    fn lost(&self) -> Vec<(&'static str, u64)> {
        vec![("logs", self.logs.lost()), ("traces", self.traces.lost())]
    }
}
