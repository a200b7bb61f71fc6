//! `lockgate ca` and `lockgate cert`, as they are typed.
#![expect(clippy::unwrap_used, reason = "test code")]

mod contexts;
mod dockerd;
mod doctor;
mod existing;
mod init;
mod inspect;
mod keep;
mod killed;
mod lost;
mod quick;
mod refused;
mod support;
