//! The front door: sockets, TLS, identity, limits and the one path of a request.
//!
//! The gate knows a [`Backend`] and nothing of an engine. What it hands over carries an
//! `Admitted`, which only `lockgate-access` can make.
//!
//! ```text
//! listen -> tls | peer credentials -> identity -> wire (head within limits) -> serve::handle
//!        -> route -> facts -> admit -> Backend -> answer, its end recorded
//! ```
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm
)]

mod backend;
pub mod body;
mod crowd;
mod gate;
mod identity;
mod limits;
mod listen;
mod metrics;
mod quota;
mod registry;
mod relay;
mod rescue;
mod serve;
mod settle;
mod tls;
mod trace;
mod transport;
mod upgrade;
mod watch;
pub mod websocket;
mod wire;

pub use backend::{Backend, Duplex, Hijack, LookUp, LookUpError, Reply, Request, UpgradeTo};
pub use body::{Body, BodyError};
pub use gate::{Gate, GateConfig, GateError, GateHandle};
pub use limits::Limits;
pub use listen::{BindError, Host, HostError, SocketGroup, tune};
pub use relay::relay;
pub use rescue::status_of;
pub use tls::{Expiry, ExpiryKind, TlsError, TlsFiles};
pub use trace::{Span, Tracer};
