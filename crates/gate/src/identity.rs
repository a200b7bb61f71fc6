//! From a finished handshake or a unix socket to a verified principal.
//!
//! This is the one place that calls [`Verified::assertion`].

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use lockgate_access::{Certificate, Principal, UnixPeer, Verified};
use lockgate_types::hex;
use rustls_pki_types::CertificateDer;
use tokio::net::UnixStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Who is on the other end, proved.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) principal: Verified<Principal>,
    /// The address, or `unix`.
    pub(crate) name: Arc<str>,
    /// What the client presented, leaf first; empty but for TLS.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// Whether the connection comes over a network protocol, where browsers live too.
    pub(crate) network: bool,
}

/// Why a connection has no identity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error("the kernel does not say who the peer is")]
    Credentials(#[source] std::io::Error),
    #[error("the client sent no certificate")]
    NoCertificate,
    #[error("the client's certificate cannot be read")]
    Unreadable,
}

impl Peer {
    /// The peer of a unix socket.
    pub(crate) fn of_unix(socket: &UnixStream) -> Result<Self, IdentityError> {
        let credentials = socket.peer_cred().map_err(IdentityError::Credentials)?;
        let groups = lockgate_sys::socket::peer_groups(socket.as_fd())
            .map_err(IdentityError::Credentials)?;
        let peer = UnixPeer {
            uid: credentials.uid(),
            gid: credentials.gid(),
            pid: credentials.pid(),
            groups,
        };
        Ok(Self {
            principal: Verified::assertion(Principal::Unix(peer)),
            name: "unix".into(),
            chain: Vec::new(),
            network: false,
        })
    }

    /// The client of a TLS handshake that the verifier of `tls` has let through.
    pub(crate) fn of_tls(
        address: SocketAddr,
        chain: Option<&[CertificateDer<'_>]>,
    ) -> Result<Self, IdentityError> {
        let chain: Vec<_> = chain
            .unwrap_or_default()
            .iter()
            .map(|der| der.clone().into_owned())
            .collect();
        let leaf = chain.first().ok_or(IdentityError::NoCertificate)?;
        let certificate = read(leaf)?;
        Ok(Self {
            principal: Verified::assertion(Principal::Certificate(Box::new(certificate))),
            name: address.to_string().into(),
            chain,
            network: true,
        })
    }

    /// Somebody on this machine, where the flag for tests allows it.
    pub(crate) fn of_loopback(address: SocketAddr) -> Self {
        Self {
            principal: Verified::assertion(Principal::Loopback { address }),
            name: address.to_string().into(),
            chain: Vec::new(),
            network: true,
        }
    }
}

/// What a certificate says about its subject. Does not verify anything.
pub(crate) fn read(der: &CertificateDer<'_>) -> Result<Certificate, IdentityError> {
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_malformed| IdentityError::Unreadable)?;
    if !rest.is_empty() {
        return Err(IdentityError::Unreadable);
    }
    let serial = hex(certificate.raw_serial())
        .trim_start_matches('0')
        .to_owned();
    // Longer than RFC 5280 allows: no revocation list could name it.
    if serial.len() > 40 {
        return Err(IdentityError::Unreadable);
    }
    let subject = certificate.subject();
    let texts = |values: Vec<&x509_parser::x509::AttributeTypeAndValue<'_>>| {
        values
            .iter()
            .filter_map(|value| value.as_str().ok())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let sans = sans(&certificate)?;
    let roles = uris(&certificate)?
        .iter()
        .filter_map(|uri| lockgate_pki::role_in(uri))
        .map(|role| role.to_string())
        .collect();
    let spki = digest::digest(&digest::SHA256, certificate.public_key().raw);
    Ok(Certificate {
        // Of several the last counts, as in Go.
        common_name: texts(subject.iter_common_name().collect())
            .pop()
            .unwrap_or_default(),
        sans,
        roles,
        organization: texts(subject.iter_organization().collect()),
        organizational_unit: texts(subject.iter_organizational_unit().collect()),
        serial,
        issuer: certificate.issuer().to_string(),
        spki_sha256: hex(spki.as_ref()),
        not_after: not_after(&certificate),
    })
}

/// The issuer's name in DER and the serial number: what a revocation list knows a certificate by.
pub(crate) fn issuer_and_serial(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>), IdentityError> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_malformed| IdentityError::Unreadable)?;
    let issuer = certificate.issuer().as_raw().to_vec();
    Ok((issuer, certificate.raw_serial().to_vec()))
}

/// Only a URI carries a role: a mail address or a host of the same letters is something else.
fn uris<'a>(certificate: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, IdentityError> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_malformed| IdentityError::Unreadable)?
        .map(|extension| extension.value.general_names.as_slice())
        .unwrap_or_default();
    let uri = |name: &'a GeneralName<'_>| {
        if let GeneralName::URI(uri) = name {
            Some(*uri)
        } else {
            None
        }
    };
    Ok(names.iter().filter_map(uri).collect())
}

fn sans(certificate: &X509Certificate<'_>) -> Result<Vec<String>, IdentityError> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_malformed| IdentityError::Unreadable)?
        .map(|extension| extension.value.general_names.as_slice())
        .unwrap_or_default();
    Ok(names.iter().filter_map(san).collect())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other kinds of names name nobody here"
)]
fn san(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(std::net::Ipv4Addr::from(v4).to_string()),
            Err(_not_v4) => {
                let v6 = <[u8; 16]>::try_from(*bytes).ok()?;
                Some(std::net::Ipv6Addr::from(v6).to_string())
            }
        },
        _ => None,
    }
}

fn not_after(certificate: &X509Certificate<'_>) -> SystemTime {
    let seconds = certificate.validity().not_after.timestamp();
    let seconds = u64::try_from(seconds).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Whether a certificate says that it is for clients. webpki lets one through that says nothing.
pub(crate) fn is_for_clients(der: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return false;
    };
    let usage = certificate.extended_key_usage().ok().flatten();
    usage.is_some_and(|usage| usage.value.client_auth)
}
