//! `lockgate invite`, `join` and `renew`: certificates whose keys are made where they are used.

mod contexts;
mod daemon_json;
mod files;
mod invite;
mod join;
mod reload;
mod renew;

pub(super) use invite::run as invite;
pub(super) use join::run as join;
pub(super) use reload::run as reload;
pub(super) use renew::run as renew;
