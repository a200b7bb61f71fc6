//! An authority below a root whose key is elsewhere.
//!
//! ```text
//! ROOT/            ca.pem ca-key.pem issued.jsonl revoked.jsonl crl.pem    a disk in a safe
//! ca/ca.pem        the root: what peers trust
//! ca/issuer.pem    the authority that issues, certified by the root
//! ca/ca-key.pem    its key
//! ca/root-crl.pem  the root's list: says of the authorities below whether they are revoked
//! ca/crl.pem       what daemons read: issuer.pem and its list, then the root's list
//! ```
//!
//! A new issuing authority needs the root, but no peer has to learn anything: they trust the root. The one
//! before goes on signing its list from `previous/` until nobody has a certificate of it. A new root is another
//! matter: peers have to learn it, so it comes beside the old one as in any rotation.

use std::path::PathBuf;

use lockgate_types::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::parse_x509_crl;

use super::{AuthorityDirectory, DirectoryError, RevokedRecord};
use crate::authority::{Authority, NewAuthority};
use crate::certificate::CertificateInfo;
use crate::crl::{CRL_DAYS_MAX, CrlError};
use crate::directory::revoked::Reason;
use crate::key::Protection;
use crate::publish::Overwrite;

impl AuthorityDirectory {
    /// Makes the first issuing authority below `root`, which lies in `root_directory`.
    pub fn found_below(
        &self,
        root_directory: &Self,
        root: &Authority,
        new: &NewAuthority,
        protection: &Protection,
        overwrite: Overwrite,
    ) -> Result<Authority, DirectoryError> {
        let mut issuer = root.create_below(new)?;
        root.record_below(&issuer)?;
        issuer.save(self.path(), protection, overwrite)?;
        self.take_root_list(root_directory, root)?;
        Ok(issuer)
    }

    /// Puts a new issuing authority in the place of `old`.
    pub fn reissue(
        &self,
        root_directory: &Self,
        root: &Authority,
        old: &Authority,
        new: &NewAuthority,
        protection: &Protection,
    ) -> Result<Authority, DirectoryError> {
        self.refuse_while_rotating(root.now())?;
        if root.certificate_der() != old.root_der() {
            return Err(DirectoryError::AnotherRoot(root.info().subject.clone()));
        }
        self.succeed_below(root_directory, root, old, new, protection)
    }

    /// Puts a new root, and the first issuing authority below it, beside what is there. The old root's key is
    /// not needed.
    pub fn rotate_below(
        &self,
        root_directory: &Self,
        root: &Authority,
        old: &Authority,
        new: &NewAuthority,
        protection: &Protection,
    ) -> Result<Authority, DirectoryError> {
        self.refuse_while_rotating(root.now())?;
        self.succeed_below(root_directory, root, old, new, protection)
    }

    /// Makes an issuing authority below `root` and puts it in the place of `old`.
    fn succeed_below(
        &self,
        root_directory: &Self,
        root: &Authority,
        old: &Authority,
        new: &NewAuthority,
        protection: &Protection,
    ) -> Result<Authority, DirectoryError> {
        let issuer = root.create_below(new)?;
        root.record_below(&issuer)?;
        let (lists, _) = self.with_list_of(root_directory, root)?;
        self.succeed(issuer, old, protection, Some(lists))
    }

    /// Revokes an issuing authority in the record of its root; `self` is the root's directory.
    pub fn revoke_below(
        &self,
        serial: &str,
        reason: Reason,
        now: Timestamp,
    ) -> Result<RevokedRecord, DirectoryError> {
        let own = CertificateInfo::read(&self.bundle_path())?;
        let serial = super::revoked::normal(serial);
        let mut issued = self.issued()?.into_iter();
        let known = issued.find(|one| one.serial == serial && one.usage.is_empty());
        let is_own = own.iter().any(|info| info.serial == serial);
        let issued = known
            .filter(|_| !is_own)
            .ok_or_else(|| DirectoryError::NotIssued(serial.clone()))?;
        let line = RevokedRecord {
            at: now,
            identity: issued.identity().to_owned(),
            serial,
            reason,
            released: false,
            not_after: issued.not_after,
            authority_key_id: issued.authority_key_id,
        };
        let lock = self.lock()?;
        self.append(&lock, std::slice::from_ref(&line))?;
        Ok(line)
    }

    /// Signs the root's list anew and takes it over.
    pub fn take_root_list(
        &self,
        root_directory: &Self,
        root: &Authority,
    ) -> Result<super::CrlSummary, DirectoryError> {
        let (lists, summary) = self.with_list_of(root_directory, root)?;
        let file = self.root_list_path();
        let lock = self.lock()?;
        lock.replace(&file, lists.as_bytes(), 0o444)
            .map_err(DirectoryError::io(&file))?;
        Ok(summary)
    }

    /// The root's list, signed anew, and those of other roots.
    fn with_list_of(
        &self,
        root_directory: &Self,
        root: &Authority,
    ) -> Result<(String, super::CrlSummary), DirectoryError> {
        let summary = root_directory.publish_crl(&[root], CRL_DAYS_MAX)?;
        let list = root_directory.crl_path();
        let text = std::fs::read_to_string(&list).map_err(DirectoryError::io(&list))?;
        let name = crate::certificate::subject_name(root.certificate_der());
        let others = self.root_lists(|issuer| Some(issuer) != name.as_deref())?;
        Ok((text + &others, summary))
    }

    /// Forgets the lists of roots that are not among `roots`.
    pub(super) fn keep_root_lists(
        &self,
        lock: &super::Locked,
        roots: &[CertificateDer<'_>],
    ) -> Result<(), DirectoryError> {
        let names: Vec<_> = roots
            .iter()
            .filter_map(|root| crate::certificate::subject_name(root))
            .collect();
        let kept = self.root_lists(|issuer| names.iter().any(|name| name == issuer))?;
        let file = self.root_list_path();
        lock.replace(&file, kept.as_bytes(), 0o444)
            .map_err(DirectoryError::io(&file))
    }

    /// The lists of roots whose name is `wanted`, as PEM.
    fn root_lists(&self, wanted: impl Fn(&[u8]) -> bool) -> Result<String, DirectoryError> {
        let file = self.root_list_path();
        let text = super::locked::read(&file).map_err(DirectoryError::io(&file))?;
        let mut kept = String::new();
        for der in CertificateRevocationListDer::pem_slice_iter(&text) {
            let der = der.map_err(|_half_written| CrlError::Malformed)?;
            let (_, list) = parse_x509_crl(&der).map_err(|_no_list| CrlError::Malformed)?;
            if wanted(list.issuer().as_raw()) {
                kept += &crate::key::encode("X509 CRL", der.to_vec());
            }
        }
        Ok(kept)
    }

    /// Where the root's list is, if the root is elsewhere.
    pub(super) fn root_list_path(&self) -> PathBuf {
        self.path().join(super::ROOT_CRL)
    }
}
