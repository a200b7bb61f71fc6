//! `POST /containers/{id}/attach`

use http::{HeaderValue, Response, header};
use lockgate_engine::AttachQuery;
use lockgate_gate::{Reply, body};

use crate::ask::Ask;
use crate::error::Failure;
use crate::hijack::{self, ApiHeaders};
use crate::reply::RAW_STREAM;

/// Attach answers in the form of its stream even when it fails.
pub(crate) async fn attach(ask: &Ask) -> Reply {
    connect(ask)
        .await
        .unwrap_or_else(|failure| refuse(&failure))
}

async fn connect(ask: &Ask) -> Result<Reply, Failure> {
    let query = ask.query();
    let keys = query.get("detachKeys").filter(|keys| !keys.is_empty());
    let wanted = AttachQuery {
        logs: query.flag("logs"),
        stream: query.flag("stream"),
        stdin: query.flag("stdin"),
        stdout: query.flag("stdout"),
        stderr: query.flag("stderr"),
        detach_keys: keys.map(str::to_owned),
    };
    let stream = ask.engine.containers().attach(ask.name(), wanted).await?;
    let content_type = hijack::content_type(ask.version(), stream.is_raw(), ask.wants_upgrade());
    Ok(hijack::relayed(content_type, ApiHeaders::Left, stream))
}

/// The message as a line of the stream, under the status that it has.
fn refuse(failure: &Failure) -> Reply {
    let mut response = Response::new(body::full(format!("{failure}\r\n")));
    *response.status_mut() = failure.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(RAW_STREAM));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Reply::Http(response)
}
