//! Why a configuration is refused. Every text names the setting and says what to do.

use std::path::PathBuf;

use lockgate_gate::HostError;
use lockgate_guard::{UnknownPatch, UpstreamError};

use super::remap::RemapError;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is no JSON object")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path}: unknown key `{key}`{hint}")]
    UnknownKey {
        path: PathBuf,
        key: String,
        hint: String,
    },
    #[error("{place}: `{value}` is no {expected}")]
    Value {
        place: String,
        value: String,
        expected: &'static str,
    },
    #[error("{place} is not supported: {instead}")]
    Refused {
        place: String,
        instead: &'static str,
    },
    #[error("{place} names an address that cannot be used")]
    Host { place: String, source: HostError },
    #[error(
        "`tls` without `tlsverify` would let in everybody who reaches the port; set `tlsverify` \
         as well"
    )]
    TlsWithoutVerify,
    #[error("--insecure-tcp-loopback-only and `tlsverify` exclude each other")]
    InsecureWithTls,
    #[error("`otlp-endpoint`: {0}")]
    Otlp(#[from] lockgate_telemetry::EndpointError),
    #[error(transparent)]
    Guard(#[from] UpstreamError),
    #[error(transparent)]
    GuardWithout(#[from] UnknownPatch),
    #[error("--ca-listen needs --ca-dir, the directory of the authority that is to be served")]
    NoAuthority,
    #[error("--ca-server needs --tls-crl, the file that revocation lists are kept in")]
    NoList,
    #[error(
        "--rootless needs XDG_RUNTIME_DIR, which a login session sets (`loginctl enable-linger` keeps it without \
         one)"
    )]
    NoRuntimeDirectory,
    #[error("--rootless needs HOME, the user's own directory")]
    NoHome,
    #[error("{place} cannot be had with --rootless: {instead}")]
    NotRootless {
        place: &'static str,
        instead: &'static str,
    },
    #[error("`userns-remap` cannot be used")]
    Remap(#[from] RemapError),
    #[error("there is no executable `{0}`; name it with --shim-path")]
    NoShim(PathBuf),
}
