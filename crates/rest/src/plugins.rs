//! Plugins: there are none.

use lockgate_gate::Reply;
use lockgate_types::ErrorKind;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

/// `GET /plugins`
pub(crate) fn list() -> Reply {
    reply::json::<[(); 0]>(&[])
}

/// Whatever names a plugin.
pub(crate) fn not_found(ask: &Ask) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        format!("plugin {:?} not found", ask.name()),
    )
}
