//! `POST /containers/{id}/attach`

use lockgate_engine::AttachQuery;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::hijack::{self, ApiHeaders};

pub(crate) async fn attach(ask: &Ask) -> Result<Reply, Failure> {
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
