//! Commands about containers.

pub(super) mod attach;
pub(super) mod commit;
pub(super) mod cp;
pub(super) mod create;
pub(super) mod diff;
pub(super) mod exec;
pub(super) mod exit;
pub(super) mod export;
pub(super) mod kill;
pub(super) mod logs;
pub(super) mod ls;
pub(super) mod pause;
pub(super) mod port;
pub(super) mod prune;
pub(super) mod rename;
pub(super) mod rm;
pub(super) mod run;
pub(super) mod start;
pub(super) mod stats;
pub(super) mod stop;
pub(super) mod summary;
pub(super) mod top;
pub(super) mod update;
pub(super) mod usage;
pub(super) mod wait;

use serde_json::Value;

use super::context::Context;
use crate::client::{ClientError, call_path};

/// `/containers/<name>/<verb>`.
pub(super) fn path(name: &str, verb: &str) -> String {
    format!(
        "/containers/{}/{verb}",
        call_path(name.trim_start_matches('/'))
    )
}

/// The daemon's description of a container.
pub(super) async fn inspect(context: &Context, name: &str) -> Result<Value, ClientError> {
    context.client.get(path(name, "json")).fetch().await
}
