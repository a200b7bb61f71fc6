//! A new root beside the old one, until nobody needs the old one.
//!
//! ```text
//! before     ca.pem = A           ca-key.pem = A
//! rotate     previous/{ca.pem,ca-key.pem} = A    then ca.pem = B, A    then ca-key.pem = B
//! meanwhile  clients are certified by B; servers by A until no client is left that knows A alone
//! retire     ca.pem = B           previous/ca.pem -> retired/SERIAL.pem, its key is gone
//! ```
//!
//! A crash between two files of a step is mended by whoever opens the authority next (`publish::settle`). One
//! between two steps leaves an authority that works; calling the verb again makes the missing one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lockgate_types::{Secret, Timestamp};
use rustls_pki_types::CertificateDer;
use serde::Serialize;

use super::{AuthorityDirectory, DirectoryError, ROOT_CRL, State};
use crate::authority::{
    Authority, AuthorityError, AuthorityFiles, CERTIFICATE, ISSUER, IssuedRecord, KEY, LEDGER,
    NewAuthority,
};
use crate::certificate::{CertificateInfo, certificates, read_file};
use crate::clock::Clock;
use crate::crl::certifies;
use crate::key::Protection;
use crate::publish::{FileSet, Overwrite, StagedSet, discard, stage};

/// The roots that sign: the one that issues, and the one before it while a rotation lasts.
#[derive(Debug)]
pub struct Authorities {
    /// The root that issues.
    pub issuing: Authority,
    /// The root before it.
    pub previous: Option<Authority>,
}

impl Authorities {
    /// All of them.
    pub fn all(&self) -> Vec<&Authority> {
        std::iter::once(&self.issuing)
            .chain(&self.previous)
            .collect()
    }

    /// The one that certifies servers: the root that every client knows.
    pub fn for_servers(&self, rotation: Option<&RotationState>) -> &Authority {
        match (&self.previous, rotation) {
            // Below one root, everybody knows both.
            (Some(previous), Some(state))
                if !state.clients.is_empty() && previous.root_der() != self.issuing.root_der() =>
            {
                previous
            }
            _ => &self.issuing,
        }
    }
}

/// Who still needs the old root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RotationState {
    /// The old root.
    pub old: String,
    /// The end of the old root.
    pub old_not_after: Timestamp,
    /// The identifier of the old root's key.
    pub old_key_id: Option<String>,
    /// The new root.
    pub new: String,
    /// Clients whose newest certificate is of the old root; they may not know the new one.
    pub clients: Vec<IssuedRecord>,
    /// Servers whose newest certificate is of the old root.
    pub servers: Vec<IssuedRecord>,
}

impl RotationState {
    /// Whether the old root can go.
    pub fn is_done(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty()
    }
}

impl AuthorityDirectory {
    /// Opens all roots with one passphrase. Sets that they issue tell peers to trust all of them.
    pub fn open(
        &self,
        passphrase: Option<&Secret<String>>,
        clock: Clock,
    ) -> Result<Authorities, DirectoryError> {
        let issuing = Authority::open(
            &AuthorityFiles::in_directory(self.path()),
            passphrase,
            clock,
        )?;
        let bundle = issuing.certificate_pem().to_owned();
        let files = AuthorityFiles::in_directory(&self.previous());
        let previous = if files.certificate.exists() {
            Some(Authority::open(&files, passphrase, clock)?)
        } else {
            None
        };
        // A rotation that broke off before the new root was in place.
        let previous = previous.filter(|old| old.certificate_der() != issuing.certificate_der());
        let ledger = self.path().join(LEDGER);
        let previous = previous.map(|old| old.with_bundle(bundle).with_ledger(ledger));
        Ok(Authorities { issuing, previous })
    }

    /// Puts a new root beside the one that is there.
    pub fn rotate(
        &self,
        new: &NewAuthority,
        protection: &Protection,
        old: &Authority,
        clock: Clock,
    ) -> Result<Authority, DirectoryError> {
        self.refuse_while_rotating(clock.now())?;
        if !old.chain().is_empty() {
            return Err(DirectoryError::OfflineRoot);
        }
        self.succeed(Authority::create(new, clock)?, old, protection, None)
    }

    pub(super) fn refuse_while_rotating(&self, now: Timestamp) -> Result<(), DirectoryError> {
        match self.rotation(now)? {
            Some(state) => Err(DirectoryError::Rotating(state.old)),
            None => Ok(()),
        }
    }

    /// Puts `new` in the place of `old`, which goes on signing its list from `previous/`; with the lists of
    /// their roots, if those are elsewhere.
    pub(super) fn succeed(
        &self,
        new: Authority,
        old: &Authority,
        protection: &Protection,
        root_lists: Option<String>,
    ) -> Result<Authority, DirectoryError> {
        let new = new.with_ledger(self.path().join(LEDGER));
        new.record_itself()?;
        let _lock = self.lock()?;
        // Somebody else may have begun one since it was asked.
        self.refuse_while_rotating(new.now())?;
        let mut bundle = new.root_pem();
        if old.root_der() != new.root_der() {
            bundle += &old.root_pem();
        }
        let mut before = FileSet::default()
            .certificate(CERTIFICATE, &old.root_pem())
            .key(KEY, old.key_text(protection)?.expose());
        if !old.chain().is_empty() {
            before = before.certificate(ISSUER, &old.own_pem());
        }
        // Both certificates until the key is in place: the one that fits the key counts.
        let mut both = FileSet::default().certificate(CERTIFICATE, &bundle);
        if !new.chain().is_empty() {
            both = both.certificate(ISSUER, &(new.own_pem() + &old.own_pem()));
        }
        if let Some(lists) = root_lists {
            both = both.certificate(ROOT_CRL, &lists);
        }
        let both = both.key(KEY, new.key_text(protection)?.expose());
        for (directory, files) in [(self.previous(), before), (self.path().to_owned(), both)] {
            stage(&[(directory.as_path(), files)], Overwrite::Replace)
                .and_then(StagedSet::commit)
                .map_err(AuthorityError::from)?;
        }
        Ok(new.with_bundle(bundle))
    }

    /// Takes the old root away; what it signed is believed no more.
    pub fn retire(&self, now: Timestamp) -> Result<String, DirectoryError> {
        let state = self.rotation(now)?.ok_or(DirectoryError::NotRotating)?;
        let (files, old) = (self.path().join(CERTIFICATE), self.old()?);
        let serial = old.map(|info| info.serial).unwrap_or_default();
        let lock = self.lock()?;
        let issuer = self.path().join(ISSUER);
        let mut roots = certificates(&files)?;
        if issuer.exists() {
            let own = certificate_of(&issuer, |info| info.serial != serial)?;
            // Of two roots, only the one above the authority that stays.
            let stays = crate::certificate::chain(own.as_bytes(), &issuer)?;
            roots.retain(|root| stays.iter().any(|one| certifies(root, one)));
            lock.replace(&issuer, own.as_bytes(), 0o444)
                .map_err(DirectoryError::io(&issuer))?;
            self.keep_root_lists(&lock, &roots)?;
        }
        let pem = pem_of(&roots, |info| info.serial != serial);
        lock.replace(&files, pem.as_bytes(), 0o444)
            .map_err(DirectoryError::io(&files))?;
        let retired = self.path().join("retired");
        let kept = retired.join(format!("{serial}.pem"));
        fs::create_dir_all(&retired).map_err(DirectoryError::io(&retired))?;
        let previous = self.previous();
        let old = read_file(&self.old_file())?;
        lock.replace(&kept, &old, 0o444)
            .map_err(DirectoryError::io(&kept))?;
        // With its key, all at once.
        discard(&previous).map_err(DirectoryError::io(&previous))?;
        Ok(state.old)
    }

    /// Who still needs the old root; `None` if there is no old root.
    pub fn rotation(&self, now: Timestamp) -> Result<Option<RotationState>, DirectoryError> {
        let Some(old) = self.old()? else {
            return Ok(None);
        };
        let mut known = CertificateInfo::read(&self.path().join(CERTIFICATE))?;
        let issuer = self.path().join(ISSUER);
        if issuer.exists() {
            known = CertificateInfo::read(&issuer)?;
        }
        let new = known.into_iter().find(|info| info.serial != old.serial);
        let Some(new) = new else { return Ok(None) };
        let (clients, servers) = self
            .newest(now)?
            .into_iter()
            .filter(|record| record.authority_key_id == old.subject_key_id)
            .partition(IssuedRecord::is_for_clients);
        Ok(Some(RotationState {
            old: old.subject,
            old_key_id: old.subject_key_id,
            old_not_after: old.not_after,
            new: new.subject,
            clients,
            servers,
        }))
    }

    /// The root that certifies the service itself; tokens carry the hash of its key.
    pub fn service_root(&self, now: Timestamp) -> Result<CertificateInfo, DirectoryError> {
        let still_old = self
            .rotation(now)?
            .is_some_and(|state| !state.clients.is_empty());
        let place = if still_old {
            self.previous()
        } else {
            self.path().to_owned()
        };
        let file = place.join(CERTIFICATE);
        let first = CertificateInfo::read(&file)?.into_iter().next();
        Ok(first.ok_or(crate::certificate::CertificateError::None(file))?)
    }

    /// The newest certificate of every identity that is valid.
    fn newest(&self, now: Timestamp) -> Result<Vec<IssuedRecord>, DirectoryError> {
        let revoked = self.revoked()?;
        let mut newest = BTreeMap::new();
        for record in self.issued()? {
            let is_leaf = !record.usage.is_empty();
            if is_leaf && State::of(&record, &revoked, now) == State::Valid {
                let whose = (record.usage.clone(), record.identity().to_owned());
                newest.insert(whose, record);
            }
        }
        Ok(newest.into_values().collect())
    }

    /// The authority that issued before, while a rotation lasts.
    fn old(&self) -> Result<Option<CertificateInfo>, DirectoryError> {
        let file = self.old_file();
        if !file.exists() {
            return Ok(None);
        }
        Ok(CertificateInfo::read(&file)?.into_iter().next())
    }

    fn old_file(&self) -> PathBuf {
        let issuer = self.previous().join(ISSUER);
        if issuer.exists() {
            return issuer;
        }
        self.previous().join(CERTIFICATE)
    }

    pub(super) fn previous(&self) -> PathBuf {
        self.path().join("previous")
    }
}

/// The certificates of a file for which `wanted` holds, as PEM.
fn certificate_of(
    file: &Path,
    wanted: impl Fn(&CertificateInfo) -> bool,
) -> Result<String, DirectoryError> {
    let chain = crate::certificate::chain(&read_file(file)?, file)?;
    Ok(pem_of(&chain, wanted))
}

fn pem_of(
    certificates: &[CertificateDer<'_>],
    wanted: impl Fn(&CertificateInfo) -> bool,
) -> String {
    let chosen = certificates
        .iter()
        .filter(|der| CertificateInfo::from_der(der).is_ok_and(|info| wanted(&info)));
    chosen
        .map(|der| crate::key::encode("CERTIFICATE", der.to_vec()))
        .collect()
}
