//! `GET /system/df`

use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;

pub(crate) async fn disk_usage(ask: &Ask) -> Result<Reply, Failure> {
    Err(Failure::unbuilt(ask.operation()))
}
