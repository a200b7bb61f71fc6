//! The daemon about itself.

mod disk_usage;
mod events;
mod info;
mod ping;
mod version;

pub(crate) use disk_usage::disk_usage;
pub(crate) use events::events;
pub(crate) use info::info;
pub(crate) use ping::{ping, ping_head};
pub(crate) use version::version;
