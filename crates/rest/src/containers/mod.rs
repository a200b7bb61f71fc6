//! Containers.

mod archive;
mod attach;
mod attach_websocket;
mod changes;
mod checkpoint;
mod commit;
mod create;
mod encode;
mod inspect;
mod lifecycle;
mod list;
mod logs;
mod prune;
mod remove;
mod stats;
mod top;
mod update;
mod wait;

pub(crate) use archive::{archive, archive_info, export, put_archive};
pub(crate) use attach::attach;
pub(crate) use attach_websocket::attach_websocket;
pub(crate) use changes::changes;
pub(crate) use checkpoint::checkpoint_disabled;
pub(crate) use commit::commit;
pub(crate) use create::create;
pub(crate) use encode::summary;
pub(crate) use inspect::inspect;
pub(crate) use lifecycle::{kill, pause, rename, resize, restart, start, stop, unpause, window};
pub(crate) use list::list;
pub(crate) use logs::logs;
pub(crate) use prune::prune;
pub(crate) use remove::remove;
pub(crate) use stats::stats;
pub(crate) use top::top;
pub(crate) use update::update;
pub(crate) use wait::wait;
