//! The messages, as JSON. Octets are base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockgate_types::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Octets in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD
            .decode(text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// `POST /v1/join`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinMessage {
    pub(crate) id: String,
    /// The public half of the secret.
    pub(crate) public_key: Octets,
    /// Over `binding::message`.
    pub(crate) signature: Octets,
    /// PKCS#10 in DER.
    pub(crate) request: Octets,
}

/// `POST /v1/renew`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenewMessage {
    /// PKCS#10 in DER.
    pub(crate) request: Octets,
}

/// What was granted: everything but the key, which the applicant has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Who the certificate is for.
    pub identity: String,
    /// `client` or `server`.
    pub purpose: String,
    /// The certificate, as PEM.
    pub certificate: String,
    /// The end of the certificate.
    pub not_after: Timestamp,
    /// What to trust, as PEM.
    pub ca: String,
    /// The revocation lists, as PEM.
    pub crl: String,
    /// The daemons that a client is to use.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// What peers have to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Changes when anything else does.
    pub tag: String,
    /// What to trust, as PEM.
    pub ca: String,
    /// The revocation lists, as PEM.
    pub crl: String,
}

/// A handshake that a daemon saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The serial number in hex.
    pub serial: String,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub from: String,
}

/// Why something was refused.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) reason: String,
    pub(crate) message: String,
}
