//! Certificates, good ones and bad ones.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) serial: Vec<u8>,
    /// The authorities between this one and a root, itself first.
    above: Vec<CertificateDer<'static>>,
}

/// A certificate and its key.
pub(crate) struct Leaf {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) serial: Vec<u8>,
    /// What goes to the other side after the leaf.
    pub(crate) above: Vec<CertificateDer<'static>>,
}

/// What to put on a leaf.
pub(crate) struct Wish {
    pub(crate) common_name: Option<String>,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) from: OffsetDateTime,
    pub(crate) to: OffsetDateTime,
    pub(crate) unit: Option<String>,
    pub(crate) serial: Option<Vec<u8>>,
    pub(crate) names: Vec<SanType>,
    pub(crate) extensions: Vec<CustomExtension>,
}

impl Wish {
    pub(crate) fn client(name: &str) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            common_name: Some(name.to_owned()),
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
            from: now - Duration::hours(1),
            to: now + Duration::hours(1),
            unit: None,
            serial: None,
            names: vec![
                SanType::DnsName("localhost".try_into().unwrap()),
                SanType::IpAddress([127, 0, 0, 1].into()),
            ],
            extensions: Vec::new(),
        }
    }

    pub(crate) fn server() -> Self {
        Self {
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
            ..Self::client("server")
        }
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::until(name, date_time_ymd(2090, 1, 1))
    }

    /// A root that ends then.
    pub(crate) fn until(name: &str, end: OffsetDateTime) -> Self {
        let params = authority_params(name, end);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            serial: Vec::new(),
            above: Vec::new(),
            issuer: Issuer::new(params, key),
        }
    }

    /// An authority below this one.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        let mut params = authority_params(name, date_time_ymd(2090, 1, 1));
        let serial = next_serial();
        params.serial_number = Some(serial.clone().into());
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut above = vec![certificate.der().clone()];
        above.extend(self.above.iter().cloned());
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            serial,
            above,
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn issue(&self, wish: &Wish) -> Leaf {
        let serial = wish.serial.clone().unwrap_or_else(next_serial);
        let mut params = CertificateParams::default();
        params.subject_alt_names.clone_from(&wish.names);
        params.custom_extensions.clone_from(&wish.extensions);
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = &wish.common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        if let Some(unit) = &wish.unit {
            params
                .distinguished_name
                .push(DnType::OrganizationalUnitName, unit);
        }
        params.extended_key_usages.clone_from(&wish.purposes);
        params.not_before = wish.from;
        params.not_after = wish.to;
        params.serial_number = Some(serial.clone().into());
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            serial,
            above: self.above.clone(),
        }
    }

    /// A revocation list with these serial numbers, good until `to`.
    pub(crate) fn revoke(&self, serials: &[&[u8]], to: OffsetDateTime) -> String {
        self.revoke_from(serials, date_time_ymd(2021, 1, 1), to)
    }

    pub(crate) fn revoke_from(
        &self,
        serials: &[&[u8]],
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> String {
        let revoked = serials.iter().map(|serial| rcgen::RevokedCertParams {
            serial_number: serial.to_vec().into(),
            revocation_time: OffsetDateTime::now_utc() - Duration::minutes(1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = rcgen::CertificateRevocationListParams {
            this_update: from,
            next_update: to,
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        Arc::new(roots)
    }
}

fn authority_params(name: &str, end: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = end;
    params
}

fn next_serial() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(0x1234_5678);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec()
}

impl Leaf {
    /// The leaf and what is above it.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        let mut chain = vec![self.der.clone()];
        chain.extend(self.above.iter().cloned());
        chain
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        let key = KeyPair::from_pem(&self.key_pem).unwrap();
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
    }

    /// Writes `cert.pem` and `key.pem`.
    pub(crate) fn write(&self, directory: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(directory).unwrap();
        std::fs::write(directory.join("cert.pem"), &self.pem).unwrap();
        let key = directory.join("key.pem");
        if key.exists() {
            std::fs::remove_file(&key).unwrap();
        }
        std::fs::write(&key, &self.key_pem).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
}
