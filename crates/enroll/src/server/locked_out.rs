//! Who is locked out: by the lists, or by the record alone.
//!
//! A list forgets a certificate when its time is over. Within the grace for renewals it counts still: the
//! record forgets nobody. And whoever is below an authority that its root revoked is out with it.

use std::collections::BTreeSet;

use lockgate_pki::{AuthorityDirectory, CertificateInfo, DirectoryError, Revocations, Standing};
use rustls_pki_types::CertificateDer;

/// The lists and the record of one moment.
#[derive(Debug)]
pub(super) struct LockedOut {
    pub(super) lists: Revocations,
    record: BTreeSet<String>,
}

impl LockedOut {
    /// Reads the record, to be asked with `lists`.
    pub(super) fn read(
        directory: &AuthorityDirectory,
        lists: Revocations,
    ) -> Result<Self, DirectoryError> {
        let record = directory.revoked()?.into_keys().collect();
        Ok(Self { lists, record })
    }

    /// Whether any certificate of `chain` is revoked.
    pub(super) fn any_of(&self, chain: &[CertificateDer<'_>]) -> bool {
        chain.iter().any(|one| self.has(one))
    }

    fn has(&self, certificate: &CertificateDer<'_>) -> bool {
        let parsed = x509_parser::parse_x509_certificate(certificate);
        let (Ok((_, x509)), Ok(info)) = (parsed, CertificateInfo::from_der(certificate)) else {
            return true;
        };
        let (issuer, serial) = (x509.issuer().as_raw(), x509.raw_serial());
        self.lists.standing(issuer, serial, 0) == Standing::Revoked
            || self.record.contains(&info.serial)
    }
}
