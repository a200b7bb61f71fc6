//! The wire types of the newest version, in the field order and with the nulls of the stock daemon.
//!
//! Fields that only older versions have are in their place among the others, are `Option` (or empty)
//! and are filled by [`Shape::shape`](crate::Shape::shape) alone; the engine never sees them.

pub mod container;
pub mod event;
pub mod exec;
pub mod image;
pub mod network;
pub mod progress;
pub mod stats;
pub mod system;
pub mod usage;
pub mod volume;

/// For fields that are left out when they are zero.
fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
