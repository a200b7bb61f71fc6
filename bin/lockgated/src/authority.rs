//! Our authority: asked for what is revoked and for our own certificate, or served by ourselves.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use lockgate_enroll::{
    Credentials, Granted, Seen, Service, ServiceConfig, Trust, TrustPoll, Trusting,
};
use lockgate_gate::{GateHandle, TlsFiles};
use lockgate_pki::{
    AuthorityDirectory, CRL_DAYS_DEFAULT, CertificateInfo, Clock, FileSet, Overwrite, PrivateKey,
    Revocations, StagedSet, SubjectName, certificates, certificates_in, detect_names, stage,
};
use lockgate_types::{Secret, Timestamp};

use crate::config::AuthorityConfig;

/// Serves the authority on this host, if that is wanted.
pub(crate) async fn serve(config: &AuthorityConfig) -> Result<()> {
    let (Some(listen), Some(directory)) = (config.listen, &config.directory) else {
        return Ok(());
    };
    let directory = AuthorityDirectory::new(directory);
    let passphrase = config
        .passphrase_file
        .as_deref()
        .map(passphrase)
        .transpose()?;
    let opened = directory.open(passphrase.as_ref(), Clock::System)?;
    let advertised = config.advertise.as_deref().map(host_of).transpose()?;
    let detected = detect_names().names.into_iter();
    let mut names: Vec<SubjectName> = advertised.into_iter().chain(detected).collect();
    names.retain(|name| opened.issuing.constraints().allow(name));
    let first = names.first().map(ToString::to_string).unwrap_or_default();
    let advertise = config.advertise.clone();
    let service = Service::bind(ServiceConfig {
        directory,
        passphrase,
        listen,
        names,
        advertise: advertise.unwrap_or_else(|| format!("{first}:{}", listen.port())),
        grace: RENEWAL_GRACE,
        crl_days: CRL_DAYS_DEFAULT,
    })
    .await?;
    tracing::info!(address = %listen, "authority: listening");
    tokio::spawn(service.serve(std::future::pending()));
    Ok(())
}

fn passphrase(file: &Path) -> Result<Secret<String>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the passphrase file {}", file.display()))?;
    Ok(Secret::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

fn host_of(advertise: &str) -> Result<SubjectName> {
    let host = advertise
        .rsplit_once(':')
        .map_or(advertise, |(host, _)| host);
    host.parse()
        .map_err(|error| anyhow!("--ca-advertise: {error}"))
}

/// Follows the authority for as long as the daemon runs.
pub(crate) fn follow(config: AuthorityConfig, tls: Option<TlsFiles>, gate: GateHandle) {
    let Some(files) = tls else { return };
    let follower = Arc::new(Follower {
        config,
        files,
        gate,
    });
    if follower.config.server.is_some() {
        tokio::spawn(ask(follower));
    } else if follower.config.directory.is_some() {
        tokio::spawn(write_seen(follower));
    }
}

struct Follower {
    config: AuthorityConfig,
    files: TlsFiles,
    gate: GateHandle,
}

/// Asks again as soon as there is an answer: the authority answers when something changed.
async fn ask(follower: Arc<Follower>) {
    let mut tag = String::new();
    let mut told = String::new();
    let mut renewal = SystemTime::UNIX_EPOCH;
    loop {
        let outcome = follower.round(&mut tag, &mut renewal).await;
        let error = outcome
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default();
        if !error.is_empty() && error != told {
            tracing::warn!(
                error,
                "the authority cannot be followed; what is known stays in use"
            );
        } else if error.is_empty() && !told.is_empty() {
            tracing::info!("the authority is followed again");
        }
        let pause = if error.is_empty() {
            BREATH
        } else {
            Duration::from_secs(follower.config.poll.into())
        };
        told = error;
        tokio::time::sleep(pause).await;
    }
}

impl Follower {
    async fn round(&self, tag: &mut String, renewal: &mut SystemTime) -> Result<()> {
        let server = self.config.server.as_deref().unwrap_or_default();
        let trusting = Trusting::Roots(certificates(&self.files.ca)?);
        let ours = self.credentials()?;
        let poll = TrustPoll {
            tag: tag.as_str(),
            wait: self.config.poll,
        };
        let news = lockgate_enroll::poll_trust(server, &trusting, Some(&ours), poll).await?;
        if let Some(trust) = news {
            self.take(&trust)?;
            *tag = trust.tag;
            // The watcher would see it too, a little later.
            let gate = self.gate.clone();
            tokio::task::spawn_blocking(move || gate.reload_tls()).await??;
        }
        let seen = self.seen();
        if !seen.is_empty() {
            lockgate_enroll::report_seen(server, &trusting, &ours, &seen).await?;
        }
        let info = CertificateInfo::read(&self.files.certificate)?
            .into_iter()
            .next();
        let now = SystemTime::now();
        let rests = now
            .duration_since(*renewal)
            .is_ok_and(|past| past < RENEWAL_REST);
        if let Some(info) = info.filter(|info| info.is_due(Timestamp::now()) && !rests) {
            *renewal = now;
            let key = PrivateKey::generate(info.key_type())?;
            let granted = lockgate_enroll::renew(server, &trusting, &ours, &key).await?;
            self.put(&granted, &key)?;
            tracing::info!(until = %granted.not_after, "our own certificate is renewed");
        }
        Ok(())
    }

    fn credentials(&self) -> Result<Credentials> {
        Ok(Credentials {
            chain: certificates(&self.files.certificate)?,
            key: PrivateKey::read(&self.files.key, None)?.to_der(),
        })
    }

    /// Puts roots and lists on disk, if they are good; the watcher takes them from there.
    fn take(&self, trust: &Trust) -> Result<()> {
        let crl = self
            .files
            .crl
            .as_deref()
            .unwrap_or_else(|| Path::new("crl.pem"));
        let roots = certificates_in(trust.ca.as_bytes(), &self.files.ca)?;
        Revocations::parse(trust.crl.as_bytes(), crl, &roots, 0, Timestamp::now())?;
        replace(crl, &trust.crl)?;
        replace(&self.files.ca, &trust.ca)
    }

    /// The pair in one go where it lies in one directory, as it does after `lockgate join`.
    fn put(&self, granted: &Granted, key: &PrivateKey) -> Result<()> {
        let (certificate, file) = (&self.files.certificate, &self.files.key);
        let cert = FileSet::default().certificate(name(certificate), &granted.certificate);
        let pem = key.to_pem();
        let sets = if directory(certificate) == directory(file) {
            vec![(directory(file), cert.key(name(file), pem.expose()))]
        } else {
            let key = FileSet::default().key(name(file), pem.expose());
            vec![(directory(certificate), cert), (directory(file), key)]
        };
        Ok(stage(&sets, Overwrite::Replace).and_then(StagedSet::commit)?)
    }

    fn seen(&self) -> Vec<Seen> {
        let taken = self.gate.take_seen().into_iter();
        taken
            .map(|(serial, at, from)| Seen {
                // Whole octets, as in the authority's record.
                serial: if serial.len() % 2 == 1 {
                    format!("0{serial}")
                } else {
                    serial
                },
                at: at.into(),
                from,
            })
            .collect()
    }
}

/// With the authority on this host, its book is written directly.
async fn write_seen(follower: Arc<Follower>) {
    let Some(directory) = follower.config.directory.clone() else {
        return;
    };
    loop {
        tokio::time::sleep(SEEN_EVERY).await;
        let seen = follower.seen();
        if seen.is_empty() {
            continue;
        }
        let directory = directory.clone();
        let written =
            tokio::task::spawn_blocking(move || lockgate_enroll::note_seen(&directory, seen));
        if let Ok(Err(error)) = written.await {
            tracing::warn!(error = %error, "cannot write who was last seen");
        }
    }
}

fn replace(file: &Path, text: &str) -> Result<()> {
    if std::fs::read_to_string(file).is_ok_and(|known| known == text) {
        return Ok(());
    }
    let set = FileSet::default().certificate(name(file), text);
    Ok(stage(&[(directory(file), set)], Overwrite::Replace).and_then(StagedSet::commit)?)
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn directory(file: &Path) -> &Path {
    file.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// Between two questions that were answered.
const BREATH: Duration = Duration::from_millis(100);
/// After a renewal that failed.
const RENEWAL_REST: Duration = Duration::from_mins(1);
/// For how long after its end a certificate may still be renewed.
const RENEWAL_GRACE: Duration = Duration::from_hours(7 * 24);
const SEEN_EVERY: Duration = Duration::from_secs(2);
