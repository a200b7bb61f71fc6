//! The certificates of a run, good ones and forged ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// Who gets a certificate.
pub(crate) const CLIENTS: [&str; 6] = ["admin", "operator", "viewer", "alice", "bob", "kept"];

/// A certificate and its key, both PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority that signs whatever it is asked to.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// The one whose key lies in the folder.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let certificate = fs::read_to_string(folder.join("ca.pem"))?;
        let key = KeyPair::from_pem(&fs::read_to_string(folder.join("ca-key.pem"))?)?;
        Ok(Self {
            issuer: Issuer::from_ca_cert_pem(&certificate, key)?,
            certificate,
        })
    }

    pub(crate) fn client(&self, name: &str) -> Result<Pair> {
        self.sign(name, |params| {
            params.extended_key_usages = vec![Purpose::ClientAuth];
        })
    }

    /// A leaf of whatever kind.
    pub(crate) fn sign(&self, name: &str, change: fn(&mut CertificateParams)) -> Result<Pair> {
        let key = KeyPair::generate()?;
        let mut params = named(name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        Ok(Pair {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Everything that a target and its clients need.
    pub(crate) fn furnish(&self, folder: &Path) -> Result<()> {
        let mut server = named("server");
        server.extended_key_usages = vec![Purpose::ServerAuth];
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.subject_alt_names = vec![rcgen::SanType::IpAddress([127, 0, 0, 1].into())];
        let key = KeyPair::generate()?;
        let pair = Pair {
            certificate: server.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        };
        self.store(folder, "server", &pair)?;
        for client in CLIENTS {
            self.store(folder, client, &self.client(client)?)?;
        }
        fs::write(folder.join("ca.pem"), &self.certificate)?;
        secret(
            &folder.join("ca-key.pem"),
            &self.issuer.key().serialize_pem(),
        )
    }

    fn store(&self, folder: &Path, name: &str, pair: &Pair) -> Result<()> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("ca.pem"), &self.certificate)?;
        fs::write(folder.join("cert.pem"), &pair.certificate)?;
        secret(&folder.join("key.pem"), &pair.key)
    }
}

/// A leaf of thirty days.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::HOUR;
    params.not_after = now + Duration::days(30);
    params
}

fn secret(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o400),
    )?)
}
