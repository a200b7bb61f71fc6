//! Images.

use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

macro_rules! later { ($($name:ident)*) => { $(pub(crate) async fn $name(ask: &Ask) -> Result<Reply, Failure> { Err(Failure::unbuilt(ask.operation())) })* } }
later! { list inspect history tag remove prune save }
pub(crate) async fn load(ask: &Ask, _body: lockgate_gate::Body) -> Result<Reply, Failure> {
    Err(Failure::unbuilt(ask.operation()))
}
pub(crate) async fn create(ask: &Ask, _body: lockgate_gate::Body) -> Result<Reply, Failure> {
    Err(Failure::unbuilt(ask.operation()))
}
pub(crate) fn prune_builds() -> Reply {
    reply::no_content()
}
