//! Docker's Engine API as data: routes, operations, versions, wire types and stream framing.
//!
//! No I/O happens here, and nothing here knows the engine. A request target becomes a [`Call`] by
//! [`route()`] and in no other way; everything behind the door works on calls.
//!
//! ```text
//! "POST /v1.44/containers/web/start?t=1"
//!    -> route()      cleaned path, one row of the table, version in range     Call
//!    -> json::parse  duplicates, depth, key case, nulls decided               latest::*
//!    -> shape::*     the newest answer as the asked version knows it          bytes
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

mod coverage;
mod error_body;
mod filters;
pub mod json;
pub mod latest;
mod operation;
mod query;
mod route;
mod shape;
pub mod stdcopy;
mod upgrade;
mod version;

pub use coverage::{Coverage, coverage};
pub use error_body::error_body;
pub use filters::{FilterError, Filters};
pub use operation::{Family, Operation};
pub use query::{Query, QueryError};
pub use route::{
    BodyUse, Call, Method, Params, Redirect, Route, RouteError, StreamKind, TABLE, route,
};
pub use shape::{Shape, encode};
pub use upgrade::UpgradeError;
pub use version::ApiVersion;
