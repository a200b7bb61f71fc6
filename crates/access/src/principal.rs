//! Who is on the other end of a connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

/// An identity, as the connection proved it. Never made from a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// The verified leaf of a TLS client.
    Certificate(Box<Certificate>),
    /// Somebody on this machine's loopback address, which proves nothing; only the flag for tests
    /// lets such a connection exist.
    Loopback {
        /// Where the connection comes from.
        address: SocketAddr,
    },
    /// The peer credentials of a unix socket.
    Unix(UnixPeer),
}

/// A process on this machine, as the kernel names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnixPeer {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The process, if the kernel knows it.
    pub pid: Option<i32>,
    /// Supplementary groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
}

/// What a verified client certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The common name, empty if there is none.
    pub common_name: String,
    /// Subject alternative names: DNS names, addresses, mail addresses and URIs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sans: Vec<String>,
    /// The roles that it carries; they count as far as the policy believes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Organisations of the subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organization: Vec<String>,
    /// Organisational units of the subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizational_unit: Vec<String>,
    /// The serial number in lower-case hex without leading zeros.
    pub serial: String,
    /// The issuer's distinguished name, as openssl prints it in RFC 2253 form.
    pub issuer: String,
    /// SHA-256 of the subject's public key info, in lower-case hex.
    pub spki_sha256: String,
    /// When the certificate ends.
    #[serde(skip)]
    pub not_after: SystemTime,
}

impl Principal {
    /// The name under which objects belong to this identity. It outlives the renewal of a
    /// certificate, which changes serial and perhaps key.
    pub fn owner(&self) -> String {
        match self {
            Self::Certificate(certificate) if certificate.common_name.is_empty() => {
                format!("spki={}", certificate.spki_sha256)
            }
            Self::Certificate(certificate) => format!("cn={}", certificate.common_name),
            Self::Loopback { .. } => "loopback".to_owned(),
            Self::Unix(peer) => format!("uid={}", peer.uid),
        }
    }

    /// When the identity ends by itself.
    pub fn valid_until(&self) -> Option<SystemTime> {
        match self {
            Self::Certificate(certificate) => Some(certificate.not_after),
            Self::Loopback { .. } | Self::Unix(_) => None,
        }
    }
}

/// The name for people: log lines and refusals. Control characters are replaced.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(certificate) if certificate.common_name.is_empty() => {
                write!(f, "certificate with serial {}", certificate.serial)
            }
            Self::Certificate(certificate) => {
                write!(f, "certificate of {}", printable(&certificate.common_name))?;
                match certificate.roles.as_slice() {
                    [] => Ok(()),
                    roles => write!(f, " with role {}", printable(&roles.join(", "))),
                }
            }
            Self::Loopback { address } => write!(f, "loopback client {address}"),
            Self::Unix(peer) => write!(f, "user id {}", peer.uid),
        }
    }
}

/// `text` without anything that moves a cursor or turns the direction of writing.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if crate::audit::must_be_escaped(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// A value that somebody checked. The check is asserted in one place, by name.
///
/// It can be neither made without that name nor copied:
///
/// ```compile_fail,E0423
/// use std::sync::Arc;
/// let forged = lockgate_access::Verified(Arc::new("admin"));
/// ```
///
/// ```compile_fail,E0308
/// use lockgate_access::Verified;
/// fn copied<T>(one: &Verified<T>) -> Verified<T> {
///     one.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Verified<T>(Arc<T>);

impl<T> Verified<T> {
    /// Says that `value` was verified. Only `gate::identity` may call this, after a TLS handshake
    /// with a client certificate or after reading peer credentials; `xtask deps` looks for it.
    pub fn assertion(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    pub(crate) fn share(&self) -> Arc<T> {
        Arc::clone(&self.0)
    }
}
