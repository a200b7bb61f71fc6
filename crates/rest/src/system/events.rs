//! `GET /events`

use bytes::Bytes;
use futures_util::stream;
use lockgate_access::Scope;
use lockgate_api::latest::event::Message;
use lockgate_api::{ApiVersion, Shape, encode};
use lockgate_engine::EventQuery;
use lockgate_gate::Reply;
use lockgate_types::event::{Event, EventKind};

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) fn events(ask: &Ask) -> Result<Reply, Failure> {
    let (since, until) = (ask.time("since")?, ask.time("until")?);
    if let (Some(from), Some(to)) = (since, until)
        && from > to
    {
        return Err(Failure::invalid(format!(
            "`since` time ({}) cannot be after `until` time ({})",
            ask.query().text("since"),
            ask.query().text("until"),
        )));
    }
    let query = EventQuery {
        since,
        until,
        filters: ask.filters()?,
    };
    let subscription = ask.engine.events().subscribe(query)?;
    let format = Format::negotiate(ask.version(), ask.header("accept").unwrap_or_default());
    let version = ask.version();
    let scope = ask.view().scope.clone();
    let state = (subscription, scope);
    let lines = stream::unfold(state, move |(mut subscription, scope)| async move {
        loop {
            let event = subscription.next().await?;
            if scope.as_ref().is_none_or(|scope| is_seen(scope, &event)) {
                return Some((Ok(format.line(event, version)), (subscription, scope)));
            }
        }
    });
    Ok(reply::streaming(format.media_type(), lines))
}

/// What happens to images is everybody's; what happens to containers carries their labels; of other
/// events nobody can tell whose they are.
fn is_seen(scope: &Scope, event: &Event) -> bool {
    match event.kind {
        EventKind::Container => scope.sees(Some(&event.attributes)),
        EventKind::Image => true,
        EventKind::Daemon | EventKind::Network | EventKind::Volume => false,
    }
}

/// How lines are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Before 1.52.
    Json,
    Lines,
    Ndjson,
    /// RFC 7464: a record separator before each line.
    Sequence,
}

impl Format {
    /// The first of the known media types that the client names.
    fn negotiate(version: ApiVersion, accept: &str) -> Self {
        if version.before(52) {
            return Self::Json;
        }
        let known = [Self::Lines, Self::Ndjson, Self::Sequence];
        accept
            .split(',')
            .filter_map(|range| range.split(';').next())
            .find_map(|range| known.into_iter().find(|it| it.media_type() == range.trim()))
            .unwrap_or(Self::Lines)
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => reply::JSON,
            Self::Lines => "application/jsonl",
            Self::Ndjson => "application/x-ndjson",
            Self::Sequence => "application/json-seq",
        }
    }

    fn line(self, event: Event, version: ApiVersion) -> Bytes {
        let mut message = Message::from(event);
        message.shape(version);
        let mut line = encode(&message);
        if self == Self::Sequence {
            line.insert(0, b'\x1e');
        }
        line.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_negotiated_since_1_52() {
        let (old, new) = (ApiVersion::new(1, 51), ApiVersion::MAX);
        assert_eq!(Format::negotiate(old, "application/jsonl"), Format::Json);
        assert_eq!(Format::negotiate(new, ""), Format::Lines);
        assert_eq!(
            Format::negotiate(new, "text/html, application/x-ndjson"),
            Format::Ndjson
        );
        assert_eq!(
            Format::negotiate(new, "application/json-seq;q=1"),
            Format::Sequence
        );
    }
}
