//! The authorities of the CA file, as certificates and not as bare keys.
//!
//! webpki knows an anchor by its name and key. That it ended, or that somebody above it revoked it,
//! is for us to see.

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What webpki does not keep of its anchors.
#[derive(Debug)]
pub(super) struct Anchors(Vec<Anchor>);

#[derive(Debug)]
struct Anchor {
    der: CertificateDer<'static>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    not_before: i64,
    not_after: i64,
}

impl Anchors {
    /// Certificates that are authorities already by webpki's judgement.
    pub(super) fn new(authorities: &[CertificateDer<'static>]) -> Self {
        Self(authorities.iter().filter_map(Anchor::read).collect())
    }

    /// Those that are valid, if some are not; they may be none.
    pub(super) fn if_some_ended(&self, now: UnixTime) -> Option<RootCertStore> {
        if self.0.iter().all(|anchor| anchor.is_valid(now)) {
            return None;
        }
        let valid = self.0.iter().filter(|anchor| anchor.is_valid(now));
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(valid.map(|anchor| anchor.der.clone()));
        Some(roots)
    }

    /// The intermediates from this name upwards: who issued each, and its serial number.
    pub(super) fn above<'a>(
        &'a self,
        name: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut found: Vec<&Anchor> = Vec::new();
        let mut names = vec![name];
        while let Some(name) = names.pop() {
            for anchor in self.0.iter().filter(|anchor| anchor.subject == name) {
                let is_root = anchor.issuer == anchor.subject;
                if !is_root && !found.iter().any(|known| std::ptr::eq(*known, anchor)) {
                    found.push(anchor);
                    names.push(&anchor.issuer);
                }
            }
        }
        let found = found.into_iter();
        found.map(|anchor| (anchor.issuer.as_slice(), anchor.serial.as_slice()))
    }
}

impl Anchor {
    fn read(der: &CertificateDer<'static>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            serial: certificate.raw_serial().to_vec(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            der: der.clone(),
        })
    }

    fn is_valid(&self, now: UnixTime) -> bool {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        (self.not_before..=self.not_after).contains(&now)
    }
}
