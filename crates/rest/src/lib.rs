//! Docker's API on the local engine: decode, call the engine, encode.
//!
//! One file per family, one function per operation; each takes the admitted request by value, so
//! that nothing reaches the engine that was not judged. No decision is made here that a client
//! could not see: what is valid is decided by `lockgate-api` and the engine, status codes by one
//! table in `error`.
//!
//! ```text
//! Request -> Ask -> <family>::<operation>  ->  engine  ->  latest::*  ->  shape(version)  ->  Reply
//!                                          \-> Failure ----------------->  error table  ->  Reply
//! ```
#![forbid(unsafe_code)]

mod ask;
mod backend;
mod blocking;
mod containers;
mod error;
mod exec;
mod framing;
mod hijack;
mod images;
mod networks;
mod objects;
mod own;
mod pin;
mod pipe;
mod plugins;
mod reply;
mod system;
mod view;
mod volumes;

pub use backend::Rest;
pub use lockgate_api::{Coverage, coverage};
