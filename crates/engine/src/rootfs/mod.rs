//! Looking into the root file systems of containers without ever following them out.
//!
//! A container's overlay is mounted in its own mount namespace only. The engine reads what it needs
//! (`passwd`, `group`, directories that fill a volume) from the layers themselves, and from
//! `/proc/<pid>/root` of a running container, always with `openat2` confined to that root. Nothing
//! in an image is executed here, and no link in it is followed on the host.

mod copy;
mod diff;
mod layers;
mod places;
mod user;
mod view;

pub(crate) use copy::{fill_volume, image_tree};
pub(crate) use diff::{Diff, Kind, diff};
pub(crate) use places::{furnish, furniture, is_file};
pub(crate) use user::{Identity, of_layers, of_process};
pub(crate) use view::{Access, Bind, Plan, Source, View};
