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
//! before goes on signing its list from `previous/` until nobody has a certificate of it.

use std::path::PathBuf;

use lockgate_types::Timestamp;

use super::{AuthorityDirectory, DirectoryError, RevokedRecord};
use crate::authority::{Authority, AuthorityError, CERTIFICATE, ISSUER, KEY, LEDGER, NewAuthority};
use crate::certificate::CertificateInfo;
use crate::crl::CRL_DAYS_MAX;
use crate::directory::revoked::Reason;
use crate::key::Protection;
use crate::publish::{FileSet, Overwrite, StagedSet, stage};

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
        if let Some(state) = self.rotation(root.now())? {
            return Err(DirectoryError::Rotating(state.old));
        }
        if root.certificate_der() != old.root_der() {
            return Err(DirectoryError::AnotherRoot(root.info().subject.clone()));
        }
        let issuer = root.create_below(new)?;
        root.record_below(&issuer)?;
        let before = FileSet::default()
            .certificate(CERTIFICATE, old.certificate_pem())
            .certificate(ISSUER, &old.own_pem())
            .key(KEY, old.key_text(protection)?.expose());
        // Both certificates until the key is in place: the one that fits the key counts.
        let both = FileSet::default()
            .certificate(ISSUER, &(issuer.own_pem() + &old.own_pem()))
            .key(KEY, issuer.key_text(protection)?.expose());
        let issuer = issuer.with_ledger(self.path().join(LEDGER));
        issuer.record_itself()?;
        for (directory, files) in [(self.previous(), before), (self.path().to_owned(), both)] {
            stage(&[(directory.as_path(), files)], Overwrite::Replace)
                .and_then(StagedSet::commit)
                .map_err(AuthorityError::from)?;
        }
        self.take_root_list(root_directory, root)?;
        Ok(issuer)
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
        let summary = root_directory.publish_crl(&[root], CRL_DAYS_MAX)?;
        let list = root_directory.crl_path();
        let text = std::fs::read(&list).map_err(DirectoryError::io(&list))?;
        let file = self.root_list_path();
        let lock = self.lock()?;
        lock.replace(&file, &text, 0o444)
            .map_err(DirectoryError::io(&file))?;
        Ok(summary)
    }

    /// Where the root's list is, if the root is elsewhere.
    pub(super) fn root_list_path(&self) -> PathBuf {
        self.path().join("root-crl.pem")
    }
}
