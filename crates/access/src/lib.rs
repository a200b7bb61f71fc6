//! Who may do what, and the record of it.
//!
//! This crate decides and writes down; it opens no socket and serves no request. Its one output is
//! [`Admitted`], which every backend takes by value, so that nothing is served that was not judged
//! and recorded first.
//!
//! ```text
//! Verified<Principal> + Call + Facts  --admit-->  record written  -->  Admitted (owns the record's end)
//!                                          \--->  record written  -->  Denied
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

mod admit;
mod audit;
mod denied;
mod elevation;
mod entry;
mod facts;
mod hearsay;
mod learn;
mod limits;
mod meant;
mod observer;
mod policy;
mod principal;

pub use admit::{Access, Admitted};
pub use audit::{
    AuditConfig, AuditCounts, AuditError, AuditFiles, AuditKey, AuditLog, Finding, Hash, Outlet,
    Refusal, Report, Sink, VerifyError, What, Why, escape,
};
pub use denied::Denied;
pub use elevation::{ElevateError, Elevation, ElevationEnd};
pub use entry::{Entry, Outcome};
pub use facts::{
    Facts, FactsError, JudgedBody, Kind, NoObjects, Object, Objects, Power, Reference, Wish,
};
pub use hearsay::{named_in, without_others};
pub use learn::{Lesson, LessonError};
pub use limits::IdentityLimits;
pub use meant::Meant;
pub use observer::{Decided, Entered, Observer};
pub use policy::{
    Explanation, Group, HostRoot, Policy, PolicyCase, PolicyError, Root, Scope, SocketOwners, View,
    group_of,
};
pub use principal::{Certificate, Principal, UnixPeer, Verified};
