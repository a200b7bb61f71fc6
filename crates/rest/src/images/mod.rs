//! Images.

mod create;
mod history;
mod inspect;
mod list;
mod load;
mod prune;
mod remove;
mod save;
mod tag;

pub(crate) use create::create;
pub(crate) use history::history;
pub(crate) use inspect::inspect;
pub(crate) use list::{count_own, list, summary};
pub(crate) use load::load;
pub(crate) use prune::{prune, prune_builds};
pub(crate) use remove::remove;
pub(crate) use save::save;
pub(crate) use tag::tag;
