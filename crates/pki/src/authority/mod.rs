//! An authority: a key that signs, the certificate that says so, and the record of what it issued.

mod create;
mod error;
mod issue;
mod ledger;
mod open;
mod request;
mod sign;

use std::fmt;
use std::path::{Path, PathBuf};

use lockgate_types::{Secret, Timestamp};
use rustls_pki_types::CertificateDer;

use crate::certificate::CertificateInfo;
use crate::clock::Clock;
use crate::constraint::Constraints;
use crate::crl::{NewList, RevocationList};
use crate::key::{PrivateKey, Protection, PublicKey};
use crate::publish::{FileSet, Overwrite, PublishError, check_targets, stage};
use crate::request::CertificateRequest;

pub use error::{AuthorityError, IssueError};
pub use issue::Issued;
pub use ledger::IssuedRecord;
pub(crate) use open::lacking;
pub use request::{AuthorityFiles, ClientRequest, NewAuthority, Profile, ServerRequest, Validity};
pub(crate) use sign::{nameless_issuer, tlv};

/// An authority that is ready to issue.
pub struct Authority {
    key: PrivateKey,
    certificate: CertificateDer<'static>,
    /// The root above it, if it is an intermediate authority.
    root: Option<CertificateDer<'static>>,
    info: CertificateInfo,
    /// `ca.pem` as peers get it: the certificates of the file, nothing else.
    pem: String,
    constraints: Constraints,
    ledger: Option<PathBuf>,
    clock: Clock,
}

impl Authority {
    /// Makes a new authority in memory; [`Authority::save`] puts it on disk.
    pub fn create(new: &NewAuthority, clock: Clock) -> Result<Self, AuthorityError> {
        create::create(new, clock)
    }

    /// Makes a root in memory that certifies authorities, not peers: its key can be taken away.
    pub fn create_root(new: &NewAuthority, clock: Clock) -> Result<Self, AuthorityError> {
        create::create_root(new, clock)
    }

    /// Makes an authority below this one, which peers know by this one's certificate alone.
    pub fn create_below(&self, new: &NewAuthority) -> Result<Self, IssueError> {
        create::create_below(self, new)
    }

    /// Opens the authority in `files`, whoever made it, and checks that it can issue now.
    pub fn open(
        files: &AuthorityFiles,
        passphrase: Option<&Secret<String>>,
        clock: Clock,
    ) -> Result<Self, AuthorityError> {
        open::open(files, passphrase, clock)
    }

    /// Checks the certificate alone, before anybody is asked for the passphrase of the key.
    pub fn check_certificate(files: &AuthorityFiles, clock: Clock) -> Result<(), AuthorityError> {
        open::check_certificate(files, clock)
    }

    /// Whether [`Authority::save`] would find its files there already.
    pub fn check_place(directory: &Path, overwrite: Overwrite) -> Result<(), PublishError> {
        check_targets(directory, &[CERTIFICATE, KEY, LEDGER], overwrite)
    }

    /// Writes `ca.pem`, `ca-key.pem` and the record into `directory`, all or nothing.
    pub fn save(
        &mut self,
        directory: &Path,
        protection: &Protection,
        overwrite: Overwrite,
    ) -> Result<(), AuthorityError> {
        let set = self.file_set(protection, &[])?;
        stage(&[(directory, set)], overwrite)?.commit()?;
        self.ledger = Some(directory.join(LEDGER));
        Ok(())
    }

    /// The files that [`Authority::save`] writes, to be staged together with those of `issued`.
    pub fn file_set(
        &self,
        protection: &Protection,
        issued: &[&Issued],
    ) -> Result<FileSet, AuthorityError> {
        let key = self.key.to_protected_pem(protection)?;
        let infos = std::iter::once(&self.info).chain(issued.iter().map(|one| one.info()));
        let now = self.clock.now();
        let lines: Result<String, _> = infos.map(|info| ledger::line(info, now)).collect();
        let set = FileSet::default()
            .certificate(CERTIFICATE, &self.pem)
            .key(KEY, key.expose())
            .state(LEDGER, &lines?);
        Ok(match &self.root {
            Some(_) => set.certificate(ISSUER, &self.own_pem()),
            None => set,
        })
    }

    /// Makes a key and a certificate for a server.
    pub fn issue_server(&self, request: &ServerRequest) -> Result<Issued, IssueError> {
        let profile = Profile::Server {
            names: request.names.clone(),
        };
        issue::with_new_key(self, &profile, request.validity, request.key_type)
    }

    /// Makes a key and a certificate for a client.
    pub fn issue_client(&self, request: &ClientRequest) -> Result<Issued, IssueError> {
        let profile = Profile::Client {
            name: request.name.clone(),
            organization: request.organization.clone(),
            unit: request.unit.clone(),
            role: request.role.clone(),
        };
        issue::with_new_key(self, &profile, request.validity, request.key_type)
    }

    /// Certifies the key of somebody who kept the private half. Only names of `profile` are used.
    pub fn certify(
        &self,
        key: &PublicKey,
        profile: &Profile,
        validity: Validity,
    ) -> Result<CertificateDer<'static>, IssueError> {
        issue::certify(self, key, profile, validity)
    }

    /// Records `issued` and writes `ca.pem`, `cert.pem` and `key.pem` into `directory`, all or
    /// nothing. Neither the record nor a file is touched if the directory cannot take the set.
    pub fn publish(
        &self,
        issued: &Issued,
        directory: &Path,
        overwrite: Overwrite,
    ) -> Result<(), IssueError> {
        let staged = stage(&[(directory, issued.file_set())], overwrite)?;
        self.record(&[issued])?;
        Ok(staged.commit()?)
    }

    /// Adds lines to the record of this authority, if it has one: it has none before it is saved.
    pub fn record(&self, issued: &[&Issued]) -> Result<(), IssueError> {
        let infos: Vec<_> = issued.iter().map(|one| one.info()).collect();
        self.record_infos(&infos)
    }

    fn record_infos(&self, infos: &[&CertificateInfo]) -> Result<(), IssueError> {
        match &self.ledger {
            Some(path) => ledger::append(path, infos, self.clock.now()),
            None => Ok(()),
        }
    }

    /// Certifies the key of a request whose applicant proved to hold it, and records that before the
    /// certificate leaves. Only names of `profile` are used, nothing of what the request asks for.
    pub fn certify_request(
        &self,
        request: &CertificateRequest,
        profile: &Profile,
        validity: Validity,
    ) -> Result<(CertificateDer<'static>, CertificateInfo), IssueError> {
        let certificate = self.certify(request.key(), profile, validity)?;
        let info = CertificateInfo::from_der(&certificate)
            .map_err(|error| IssueError::SelfCheck(error.to_string()))?;
        self.record_infos(&[&info])?;
        Ok((certificate, info))
    }

    /// Signs a revocation list; returns it in DER.
    pub(crate) fn sign_crl(
        &self,
        number: u64,
        days: u32,
        revoked: Vec<rcgen::RevokedCertParams>,
    ) -> Result<Vec<u8>, IssueError> {
        let issuer = crate::certificate::subject_name(&self.certificate).ok_or_else(|| {
            IssueError::SelfCheck("its own certificate cannot be read".to_owned())
        })?;
        let list = NewList {
            issuer: &issuer,
            key_id: crate::certificate::key_identifier(&self.certificate),
            number,
            now: self.clock.seconds(),
            days,
            revoked,
        };
        let der = crate::crl::sign(list, self.key.pair())?
            .ok_or(rcgen::Error::CouldNotParseCertificate)?;
        // As a daemon would: nothing leaves that nobody believes.
        RevocationList::from_der(
            &der,
            std::slice::from_ref(&self.certificate),
            self.clock.now(),
        )
        .map_err(|error| IssueError::SelfCheck(error.to_string()))?;
        Ok(der)
    }

    /// The same authority, whose peers are told to trust `pem` (itself, and others beside it).
    pub fn with_bundle(self, pem: String) -> Self {
        Self { pem, ..self }
    }

    /// The same authority with its record elsewhere.
    pub(crate) fn with_ledger(self, ledger: PathBuf) -> Self {
        Self {
            ledger: Some(ledger),
            ..self
        }
    }

    /// Its own certificate alone, as PEM.
    pub(crate) fn own_pem(&self) -> String {
        crate::key::encode("CERTIFICATE", self.certificate.to_vec())
    }

    /// The root that peers trust, as PEM.
    pub(crate) fn root_pem(&self) -> String {
        crate::key::encode("CERTIFICATE", self.root_der().to_vec())
    }

    /// Its key as a file.
    pub(crate) fn key_text(
        &self,
        protection: &Protection,
    ) -> Result<Secret<String>, AuthorityError> {
        Ok(self.key.to_protected_pem(protection)?)
    }

    /// Records an authority that it certified, before that is used.
    pub(crate) fn record_below(&self, below: &Self) -> Result<(), IssueError> {
        self.record_infos(&[&below.info])
    }

    /// Records the authority's own certificate.
    pub(crate) fn record_itself(&self) -> Result<(), IssueError> {
        self.record_infos(&[&self.info])
    }

    /// The moment by the authority's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same authority at another time.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// What its certificate says.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }

    /// Its certificate.
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its certificate, and the rest of its chain if there is one, as servers and clients need it.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// The root that peers trust: itself, or the one above it.
    pub fn root_der(&self) -> &CertificateDer<'static> {
        self.root.as_ref().unwrap_or(&self.certificate)
    }

    /// What leads from its certificates to the root: nothing, or itself.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        match self.root {
            Some(_) => std::slice::from_ref(&self.certificate),
            None => &[],
        }
    }

    /// A certificate of it with what leads to the root, as PEM: what a peer has to show.
    pub fn chain_pem(&self, leaf: &CertificateDer<'_>) -> String {
        let chain = std::iter::once(leaf).chain(self.chain());
        chain
            .map(|der| crate::key::encode("CERTIFICATE", der.to_vec()))
            .collect()
    }

    /// What it may certify.
    pub fn constraints(&self) -> &Constraints {
        &self.constraints
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("subject", &self.info.subject)
            .finish_non_exhaustive()
    }
}

/// The longest life of a certificate for a server or a client, in days.
pub const LEAF_DAYS_MAX: u32 = 90;
/// How long an authority lives if nobody says otherwise: five years.
pub const CA_DAYS_DEFAULT: u32 = 1825;
/// The longest life of an authority: twenty years.
pub const CA_DAYS_MAX: u32 = 7300;
/// The certificate of an authority in its directory, and in every set.
pub(crate) const CERTIFICATE: &str = "ca.pem";
/// The certificate of an intermediate authority in its directory, where `ca.pem` is the root above it.
pub(crate) const ISSUER: &str = "issuer.pem";
/// The key of an authority in its directory.
pub(crate) const KEY: &str = "ca-key.pem";
/// The record of what an authority issued, beside its certificate.
pub(crate) const LEDGER: &str = "issued.jsonl";
