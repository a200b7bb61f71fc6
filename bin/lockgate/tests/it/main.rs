//! The client against a daemon that the tests write themselves: what goes over the wire, and what
//! comes out.
#![expect(clippy::unwrap_used, reason = "test code")]

mod client;
mod doctor;
mod exec;
mod fake;
mod hosts;
mod images;
mod lists;
mod run;
mod terminal;
mod tls;
