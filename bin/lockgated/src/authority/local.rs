//! An authority on this host that is not asked but read: its record of who was seen, its list, and our own
//! certificate are kept up with its key, if that can be opened.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use lockgate_enroll::{keep_list, renew_here};
use lockgate_pki::{
    AuthorityDirectory, CRL_DAYS_DEFAULT, CertificateInfo, Clock, PrivateKey, certificates,
    key_needs_passphrase,
};
use lockgate_types::Timestamp;

use super::{Follower, files, passphrase, tell};

/// Looks after what the authority on this host does for us.
pub(super) async fn follow(follower: Arc<Follower>) {
    let mut told = String::new();
    let mut renewal = None;
    let mut list_looked_at = None;
    loop {
        let here = Arc::clone(&follower);
        let (mut tried, mut looked) = (renewal, list_looked_at);
        // Keys are opened and files written: not on a thread that serves.
        let round = tokio::task::spawn_blocking(move || {
            let outcome = here.look_after(&mut tried, &mut looked);
            (outcome, tried, looked)
        });
        match round.await {
            Ok((outcome, tried, looked)) => {
                (renewal, list_looked_at) = (tried, looked);
                tell(outcome, &mut told);
            }
            Err(panicked) => {
                tracing::error!(error = %panicked, "looking after the authority failed");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Follower {
    fn look_after(
        &self,
        renewal: &mut Option<SystemTime>,
        list_looked_at: &mut Option<SystemTime>,
    ) -> Result<()> {
        let Some(path) = &self.config.directory else {
            return Ok(());
        };
        let directory = AuthorityDirectory::new(path);
        let seen = self.seen();
        if !seen.is_empty() {
            lockgate_enroll::note_seen(path, seen).context("cannot write who was last seen")?;
        }
        self.take_roots(&directory)?;
        if let Some(info) = self.due(renewal)? {
            self.renew(&directory, &info)?;
            self.renewed(renewal)?;
        }
        // The service keeps the list where there is one.
        let now = SystemTime::now();
        let past = list_looked_at.map(|then| now.duration_since(then).unwrap_or_default());
        if self.config.listen.is_none() && past.is_none_or(|past| past >= LIST_EVERY) {
            *list_looked_at = Some(now);
            self.sign_list(&directory)?;
        }
        Ok(())
    }

    /// A rotation begun in the directory is ours too, where our file has one of its roots.
    fn take_roots(&self, directory: &AuthorityDirectory) -> Result<()> {
        let bundle = directory.bundle_path();
        let ours = certificates(&self.files.ca)?;
        let theirs = certificates(&bundle)?;
        let is_same_authority = theirs.iter().any(|root| ours.contains(root));
        if ours == theirs || !is_same_authority {
            return Ok(());
        }
        let text = lockgate_sys::file::read_regular(&bundle, files::LONGEST)
            .with_context(|| format!("cannot read {}", bundle.display()))?;
        files::replace(&self.files.ca, &String::from_utf8(text)?)
    }

    fn renew(&self, directory: &AuthorityDirectory, info: &CertificateInfo) -> Result<()> {
        let what = format!(
            "our own certificate {} (serial {}, until {}) cannot be renewed",
            info.subject, info.serial, info.not_after
        );
        let authorities = self.open(directory).context(what.clone())?;
        let key = PrivateKey::generate(info.key_type())?;
        let chain = certificates(&self.files.certificate)?;
        let granted = renew_here(directory, &authorities, &chain, &key, self.config.grace);
        let granted = granted.context(what)?;
        files::renewed(&self.files, &granted, &key, info)
    }

    /// Without the key this is somebody else's task, who signs with `lockgate ca crl`.
    fn sign_list(&self, directory: &AuthorityDirectory) -> Result<()> {
        if self.config.passphrase_file.is_none() && is_encrypted(directory.path())? {
            return Ok(());
        }
        let authorities = self.open(directory)?;
        keep_list(directory, &authorities, CRL_DAYS_DEFAULT, Timestamp::now())?;
        Ok(())
    }

    fn open(&self, directory: &AuthorityDirectory) -> Result<lockgate_pki::Authorities> {
        let file = self.config.passphrase_file.as_deref();
        if file.is_none() && is_encrypted(directory.path())? {
            bail!("the authority's key is encrypted, and there is no --ca-passphrase-file");
        }
        let passphrase = file.map(passphrase).transpose()?;
        Ok(directory.open(passphrase.as_ref(), Clock::System)?)
    }
}

fn is_encrypted(directory: &Path) -> Result<bool> {
    Ok(key_needs_passphrase(&directory.join("ca-key.pem"))?)
}

const EVERY: Duration = Duration::from_secs(2);
/// The list is signed anew when half of its days are over: an hour is soon enough.
const LIST_EVERY: Duration = Duration::from_hours(1);
