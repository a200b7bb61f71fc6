//! `GET /containers/{id}/logs`

use futures_util::stream;
use lockgate_engine::LogQuery;
use lockgate_gate::Reply;
use lockgate_types::Timestamp;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply::{self, MULTIPLEXED_STREAM, RAW_STREAM};

pub(crate) async fn logs(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let (stdout, stderr) = (query.flag("stdout"), query.flag("stderr"));
    if !stdout && !stderr {
        return Err(Failure::invalid(
            "Bad parameters: you must choose at least one stream",
        ));
    }
    let wanted = LogQuery {
        follow: query.flag("follow"),
        stdout,
        stderr,
        since: ask.time("since")?.filter(is_set),
        until: ask.time("until")?.filter(is_set),
        timestamps: query.flag("timestamps"),
        tail: tail(query.text("tail")),
        details: query.flag("details"),
    };
    let log = ask.engine.containers().logs(ask.name(), wanted).await?;
    let is_framed = !log.is_raw() && ask.version().since(42);
    let content_type = if is_framed {
        MULTIPLEXED_STREAM
    } else {
        RAW_STREAM
    };
    let chunks = stream::unfold(log, |mut log| async move { Some((log.next().await?, log)) });
    Ok(reply::streaming(content_type, chunks))
}

/// Clients that want no limit say zero.
fn is_set(time: &Timestamp) -> bool {
    time.unix_nanos() != 0
}

/// How many of the last lines; nothing, `all`, negative numbers and, as with dockerd, what is no
/// number mean every one.
fn tail(text: &str) -> Option<u64> {
    text.parse::<i64>()
        .ok()
        .and_then(|lines| u64::try_from(lines).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_numbers_or_everything() {
        for (text, lines) in [
            ("", None),
            ("all", None),
            ("-1", None),
            ("0", Some(0)),
            ("7", Some(7)),
            ("x", None),
        ] {
            assert_eq!(tail(text), lines, "{text}");
        }
    }
}
