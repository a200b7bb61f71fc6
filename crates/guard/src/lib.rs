//! The door before another daemon: what was judged is written anew and sent to a stock dockerd or
//! podman, and its answer relayed.
//!
//! ```text
//! gate (route, facts) -> lookup -> gate (admit) -> Guard -> patch (may refuse) -> mark -> rewrite
//!     -> upstream -> narrow -> answer | relay
//! ```
//!
//! Nothing of the client's bytes is passed on as it came but the bodies of streams: method, path,
//! query and fields are made from the [`Call`](lockgate_api::Call), so that the upstream daemon
//! reads what was judged and nothing else.
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

mod anonymous;
mod answer;
mod error;
mod flow;
mod framing;
mod guard;
mod implied;
mod inquire;
mod line;
mod lookup;
mod mark;
mod narrow;
mod patch;
mod pool;
mod prepare;
mod query;
mod relay;
mod rewrite;
mod tls;
mod upstream;

pub use error::{GuardError, UpstreamError};
pub use guard::Guard;
pub use patch::{PATCHES, Patch, Patches, UnknownPatch};
pub use upstream::{Resolve, Tcp, Upstream, UpstreamTls};
