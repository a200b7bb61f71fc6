//! Commands about networks.

pub(super) mod connect;
pub(super) mod create;
pub(super) mod disconnect;
pub(super) mod ls;
pub(super) mod prune;
pub(super) mod rm;

use crate::client::call_path;

/// `/networks/<name>/<verb>`.
fn path(name: &str, verb: &str) -> String {
    format!("/networks/{}/{verb}", call_path(name))
}
