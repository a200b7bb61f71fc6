//! `POST /containers/{id}/wait`

use bytes::Bytes;
use futures_util::stream;
use lockgate_api::latest::container::{Wait, WaitError};
use lockgate_api::{ApiVersion, encode};
use lockgate_engine::{WaitCondition, WaitResult};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply::{self, JSON};

/// The head of the answer is sent at once: clients start the container only when they have it.
pub(crate) async fn wait(ask: &Ask) -> Result<Reply, Failure> {
    let version = ask.version();
    let condition = match ask.query().text("condition") {
        _ if version.before(30) => WaitCondition::default(),
        text => text.parse()?,
    };
    let waiting = ask.engine.containers().wait(ask.name(), condition)?;
    if version.before(30) {
        return Ok(reply::json(&answer(waiting.await)));
    }
    let ending = async move { Ok(body(waiting.await, condition, version)) };
    Ok(reply::streaming(JSON, stream::once(ending)))
}

fn answer(result: WaitResult) -> Wait {
    let error = result.error.map(|message| WaitError { message });
    Wait {
        error,
        status_code: result.status_code,
    }
}

/// Before 1.34 a removal that failed was told by an empty body.
fn body(result: WaitResult, condition: WaitCondition, version: ApiVersion) -> Bytes {
    if version.before(34) && condition == WaitCondition::Removed && result.error.is_some() {
        return Bytes::new();
    }
    encode(&answer(result)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_the_error_first() {
        let text = |error: Option<&str>, minor| {
            let result = WaitResult {
                status_code: 3,
                error: error.map(str::to_owned),
            };
            let bytes = body(result, WaitCondition::Removed, ApiVersion::new(1, minor));
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        assert_eq!(text(None, 50), "{\"StatusCode\":3}\n");
        assert_eq!(
            text(Some("no"), 50),
            "{\"Error\":{\"Message\":\"no\"},\"StatusCode\":3}\n"
        );
        assert_eq!(text(Some("no"), 33), "");
    }
}
