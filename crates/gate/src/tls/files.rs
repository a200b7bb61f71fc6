//! The files of TLS, read whole.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockgate_pki::{CertificateInfo, CrlError, Revocations};
use lockgate_types::{ErrorKind, Timestamp};
use rustls::RootCertStore;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::expiry::{self, Expiry};

/// No PEM file of ours is longer.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Where the parts of TLS are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The only authorities that client certificates are believed from.
    pub ca: PathBuf,
    /// The server's certificate and its intermediates.
    pub certificate: PathBuf,
    /// The server's key, readable by its owner alone.
    pub key: PathBuf,
    /// Revocation lists: one for every authority that certifies clients.
    pub crl: Option<PathBuf>,
    /// For how long after its end a revocation list is still used; then nobody is let in.
    pub crl_grace: Duration,
    /// From how long before the end of a certificate on its end is told.
    pub warn_before: Duration,
    /// Whether TLS 1.2 is spoken too.
    pub tls12: bool,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds nothing of what it should.
    #[error("{path} holds no {what} in PEM form")]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// A file is no PEM, perhaps because it is half written.
    #[error("{path} is not whole PEM: {detail}")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The key is protected by a passphrase that nobody can type here.
    #[error("{path} is encrypted; write it in plain with `openssl pkey -in {path} -out FILE`")]
    EncryptedKey {
        /// Which file.
        path: PathBuf,
    },
    /// Anybody can change what is trusted.
    #[error("{path} can be changed by everybody; run `chmod o-w {path}`")]
    Changeable {
        /// Which file.
        path: PathBuf,
    },
    /// A certificate that is to be believed as an authority is none.
    #[error("{path} holds {subject}, which is no authority; give the certificate of the CA")]
    NoAuthority {
        /// Which file.
        path: PathBuf,
        /// Whose certificate it is.
        subject: String,
    },
    /// Others can read the key.
    #[error("{path} can be read by group or others; run `chmod 0400 {path}`")]
    OpenKey {
        /// Which file.
        path: PathBuf,
    },
    /// Key and certificate do not belong together, or the key is of no use.
    #[error("the server's certificate and key do not fit together")]
    Pair(#[source] rustls::Error),
    /// A CA certificate cannot be used as a trust anchor.
    #[error("{path} holds a certificate that is no usable authority")]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The revocation lists are not believed.
    #[error("{path}: {source}")]
    Revocation {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: CrlError,
    },
    /// The revocation lists are older than those in use.
    #[error(transparent)]
    OldRevocation(CrlError),
    /// The verifier cannot be made.
    #[error("the verifier of client certificates cannot be built")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// No protocol version is left.
    #[error("TLS cannot be set up")]
    Versions(#[from] rustls::Error),
}

impl TlsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { .. } => ErrorKind::Unavailable,
            Self::Authority { .. }
            | Self::Changeable { .. }
            | Self::NoAuthority { .. }
            | Self::EncryptedKey { .. }
            | Self::Missing { .. }
            | Self::OpenKey { .. }
            | Self::Pair(_)
            | Self::Pem { .. }
            | Self::OldRevocation(_)
            | Self::Revocation { .. }
            | Self::Verifier(_)
            | Self::Versions(_) => ErrorKind::InvalidInput,
        }
    }
}

/// What the files hold.
pub(super) struct Loaded {
    pub(super) roots: RootCertStore,
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// `None` if no lists are kept.
    pub(super) revoked: Option<Result<Revocations, TlsError>>,
    pub(super) expiries: Vec<Expiry>,
}

impl TlsFiles {
    /// Reads the files and says whether they could be used.
    pub fn check(&self) -> Result<(), TlsError> {
        super::TlsState::load(self, None).map(drop)
    }

    pub(super) fn read(&self) -> Result<Loaded, TlsError> {
        let chain = certificates(&self.certificate, "certificate")?;
        let authorities = certificates(&self.ca, "CA certificate")?;
        Ok(Loaded {
            expiries: expiry::of_certificates(self, &authorities, &chain),
            revoked: self.crl.as_deref().map(|crl| {
                // An intermediate authority of ours signs lists too.
                let signers: Vec<_> = authorities.iter().chain(&chain).cloned().collect();
                self.revocations(crl, &signers)
            }),
            roots: roots(&self.ca, &authorities)?,
            authorities,
            chain,
            key: key(&self.key)?,
        })
    }

    fn revocations(
        &self,
        path: &Path,
        signers: &[CertificateDer<'static>],
    ) -> Result<Revocations, TlsError> {
        let grace = u32::try_from(self.crl_grace.as_secs()).unwrap_or(u32::MAX);
        Revocations::read(path, signers, grace, Timestamp::now()).map_err(|source| {
            TlsError::Revocation {
                path: path.to_owned(),
                source,
            }
        })
    }
}

fn roots(path: &Path, authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        // Whoever has a key below a trust anchor could certify anybody.
        let info = CertificateInfo::from_der(authority).ok();
        if let Some(info) = info.filter(|info| info.version == 3 && !info.is_ca) {
            return Err(TlsError::NoAuthority {
                path: path.to_owned(),
                subject: info.subject,
            });
        }
        roots
            .add(authority.clone())
            .map_err(|source| TlsError::Authority {
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(roots)
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad_pem(path, &error))?;
    if found.is_empty() {
        return Err(TlsError::Missing {
            path: path.to_owned(),
            what,
        });
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let (text, mode) = read_with_mode(path)?;
    if mode & OTHERS != 0 {
        return Err(TlsError::OpenKey {
            path: path.to_owned(),
        });
    }
    if contains(&text, b"ENCRYPTED") {
        return Err(TlsError::EncryptedKey {
            path: path.to_owned(),
        });
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        if matches!(error, pem::Error::NoItemsFound) {
            TlsError::Missing {
                path: path.to_owned(),
                what: "private key",
            }
        } else {
            bad_pem(path, &error)
        }
    })
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

fn bad_pem(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        detail: format!("{error}"),
    }
}

/// What is believed, which is not for everybody to change.
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let (text, mode) = read_with_mode(path)?;
    if mode & ANYBODY_WRITES != 0 {
        return Err(TlsError::Changeable {
            path: path.to_owned(),
        });
    }
    Ok(text)
}

/// Reads one open file and its mode, so that nothing can be swapped in between.
fn read_with_mode(path: &Path) -> Result<(Vec<u8>, u32), TlsError> {
    let read = || {
        let file = lockgate_sys::file::open_regular(path)?;
        let mode = file.metadata()?.mode();
        Ok((lockgate_sys::file::read_limited(file, LONGEST)?, mode))
    };
    read().map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Write permission of others.
const ANYBODY_WRITES: u32 = 0o002;
/// The permission bits of group and others.
const OTHERS: u32 = 0o077;
