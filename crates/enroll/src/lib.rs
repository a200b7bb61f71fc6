//! The authority on the wire: joining with a token, renewing, and what peers have to know.
//!
//! ```text
//! applicant                                   authority (`lockgate ca serve`, or inside lockgated)
//!   token: address, pin, id, secret   <----   invite: id, SHA-256 of the secret's public half
//!   TLS; pin checked before a byte is sent
//!   makes its key
//!   POST /v1/join  id, request,       ---->   proof fits the connection and the request?
//!        proof of the secret                  not expired, not used?  used up, on disk
//!   ca.pem cert.pem                   <----   signs the key with the names of the invitation
//!
//! daemon, client
//!   POST /v1/renew  request           ---->   mutual TLS; revoked? then no
//!   GET  /v1/trust?tag=…&wait=…       ---->   answers when roots, lists or roles change
//! ```
//!
//! Private keys are made where they are used and never travel.
#![forbid(unsafe_code)]

mod binding;
mod client;
mod resolve;
mod server;
mod token;
mod wire;

pub use client::{
    Credentials, Link, LinkError, TrustPoll, Trusting, join, poll_trust, renew, report_seen,
};
pub use resolve::{LookupError, lookup};
pub use server::{
    HereError, Lagging, Service, ServiceConfig, ServiceError, advertised, keep_list, lagging,
    last_seen, note_seen, renew_here,
};
pub use token::{Token, TokenError};
pub use wire::{Granted, Seen, Trust};
