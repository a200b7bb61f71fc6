//! An authority for tests of the guard, which signs what a real one would not.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};

/// A certificate and its key, both PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
    serial: u64,
}

/// What is wrong with the certificate of a daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    Good,
    Expired,
    NotYet,
    OtherName,
    NoName,
    OfAClient,
}

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self {
            issuer,
            certificate,
        }
    }

    pub(crate) fn client(&self, name: &str) -> Pair {
        self.sign(named(name), Purpose::ClientAuth)
    }

    pub(crate) fn server(&self) -> Pair {
        self.signed(Leaf::Good)
    }

    pub(crate) fn signed(&self, leaf: Leaf) -> Pair {
        let mut params = named("daemon");
        let now = OffsetDateTime::now_utc();
        let address = if leaf == Leaf::OtherName {
            [127, 0, 0, 2]
        } else {
            [127, 0, 0, 1]
        };
        if leaf != Leaf::NoName {
            params.subject_alt_names = vec![SanType::IpAddress(address.into())];
        }
        let (from, to) = match leaf {
            Leaf::Expired => (now - Duration::days(9), now - Duration::minutes(1)),
            Leaf::NotYet => (now + Duration::days(1), now + Duration::days(9)),
            Leaf::Good | Leaf::OtherName | Leaf::NoName | Leaf::OfAClient => {
                (now - Duration::days(1), now + Duration::days(9))
            }
        };
        (params.not_before, params.not_after) = (from, to);
        let purpose = match leaf {
            Leaf::OfAClient => Purpose::ClientAuth,
            _ => Purpose::ServerAuth,
        };
        self.sign(params, purpose)
    }

    fn sign(&self, mut params: CertificateParams, purpose: Purpose) -> Pair {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (key, serial) = (
            KeyPair::generate().unwrap(),
            NEXT.fetch_add(1, Ordering::Relaxed),
        );
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.serial_number = Some(SerialNumber::from(serial));
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair {
            certificate,
            key: key.serialize_pem(),
            serial,
        }
    }

    /// A certificate that nobody signed but itself.
    pub(crate) fn itself() -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = named("daemon");
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        let certificate = params.self_signed(&key).unwrap().pem();
        Pair {
            certificate,
            key: key.serialize_pem(),
            serial: 0,
        }
    }

    /// A list with these in it, which ends in so many days.
    pub(crate) fn revoking(&self, bad: &[&Pair], days: i64) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = |pair: &&Pair| RevokedCertParams {
            serial_number: SerialNumber::from(pair.serial),
            revocation_time: now - Duration::days(2),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: now - Duration::days(3),
            next_update: now + Duration::days(days),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: bad.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A daemon with this certificate that asks its clients for one of ours.
    pub(crate) fn serves(&self, pair: &Pair) -> ServerConfig {
        self.serves_by(pair, rustls::DEFAULT_VERSIONS)
    }

    pub(crate) fn serves_by(
        &self,
        pair: &Pair,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap())
            .unwrap();
        let clients =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap(),
            )
            .unwrap()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
