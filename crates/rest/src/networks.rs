//! Networks.
use crate::ask::Ask;
use crate::error::Failure;
use lockgate_gate::Reply;
macro_rules! later { ($($name:ident)*) => { $(pub(crate) async fn $name(ask: &Ask) -> Result<Reply, Failure> { Err(Failure::unbuilt(ask.operation())) })* } }
later! { list inspect remove }
pub(crate) fn prune(ask: &Ask) -> Result<Reply, Failure> {
    Err(Failure::unbuilt(ask.operation()))
}
