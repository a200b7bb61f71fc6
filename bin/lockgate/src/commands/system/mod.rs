//! Commands about the daemon, and about this program.

pub(super) mod completion;
pub(super) mod coverage;
pub(super) mod df;
mod df_rows;
pub(super) mod dial_stdio;
pub(super) mod events;
pub(super) mod info;
mod info_text;
pub(super) mod manual;
pub(super) mod prune;
pub(super) mod version;
