//! `lockgate cert export`: a set as one PKCS#12 file, which browsers and key stores take.

use lockgate_pki::{CertificateInfo, PrivateKey, certificates};
use lockgate_sys::file::write_once;
use lockgate_types::Secret;
use p12_keystore::{
    Certificate, KeyStore, KeyStoreEntry, PrivateKey as StoredKey, PrivateKeyChain,
};

use crate::args::CertExportArgs;
use crate::commands::ca::{self, told};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Reads the files on this host; the key leaves it only if somebody carries the result away.
pub(super) fn run(args: &CertExportArgs, out: &mut Output) -> Outcome {
    let set = match &args.set {
        Some(set) => set.clone(),
        None => ca::tree(&args.tree)?.join(format!("client-{}", args.name)),
    };
    let key = PrivateKey::read(&set.join("key.pem"), None).map_err(told)?;
    let chain = certificates(&set.join("cert.pem")).map_err(told)?;
    let infos = CertificateInfo::read(&set.join("cert.pem")).map_err(told)?;
    let leaf = infos
        .first()
        .ok_or_else(|| Failure::new("cert.pem holds no certificate"))?;
    if leaf.spki_sha256 != key.public_key().sha256() {
        let text = format!("{}: key.pem does not belong to cert.pem", set.display());
        return Err(Failure::new(text).hint("try `lockgate cert verify`"));
    }
    let roots = certificates(&set.join("ca.pem")).map_err(told)?;
    let passphrase = ca::passphrase_of_export(args.passphrase_file.as_deref(), out)?;
    let all = chain.iter().chain(&roots).map(AsRef::as_ref);
    let octets = pack(&args.name, &key, all, &passphrase).map_err(told)?;
    write_once(&args.p12, &octets).map_err(|error| {
        let failure = Failure::new(format!("{}: {error}", args.p12.display()));
        failure.hint("nothing is overwritten: name another file")
    })?;
    let (subject, until) = (&leaf.subject, leaf.not_after);
    out.line(format!("{subject}, until {until}: {}", args.p12.display()))?;
    Ok(0)
}

/// PBES2 with AES-256 and HMAC-SHA-256, as OpenSSL 3, browsers and Java write it today.
fn pack<'a>(
    name: &str,
    key: &PrivateKey,
    chain: impl Iterator<Item = &'a [u8]>,
    passphrase: &Secret<String>,
) -> p12_keystore::Result<Vec<u8>> {
    let der = key.to_der();
    let key = StoredKey::from_der(der.secret_der())?;
    let chain: Vec<Certificate> = chain.map(Certificate::from_der).collect::<Result<_, _>>()?;
    let mut store = KeyStore::new();
    // Ties key and certificate together; there is one of each.
    let entry = PrivateKeyChain::new(vec![1_u8], key, chain);
    store.add_entry(name, KeyStoreEntry::PrivateKeyChain(entry));
    store
        .writer(passphrase.expose())
        .encryption_iterations(ROUNDS)
        .mac_iterations(ROUNDS)
        .write()
}

/// Browsers refuse more than some millions; a file that is carried around deserves more than 10,000.
const ROUNDS: u32 = 600_000;
