//! Our authority: asked for what is revoked and for our own certificate, or served by ourselves.

mod files;
mod local;
mod remote;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use lockgate_enroll::{Seen, Service, ServiceConfig};
use lockgate_gate::{GateHandle, TlsFiles};
use lockgate_pki::{
    AuthorityDirectory, CRL_DAYS_DEFAULT, CertificateInfo, Clock, SubjectName, detect_names,
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
        grace: config.grace,
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
    tokio::spawn(warn(gate.clone()));
    let follower = Arc::new(Follower {
        config,
        files,
        gate,
    });
    if follower.config.server.is_some() {
        tokio::spawn(remote::follow(follower));
    } else if follower.config.directory.is_some() {
        tokio::spawn(local::follow(follower));
    }
}

struct Follower {
    config: AuthorityConfig,
    files: TlsFiles,
    gate: GateHandle,
}

impl Follower {
    /// Our own certificate, if it is time to renew it. After a failure there is a rest.
    fn due(&self, last_try: &mut Option<SystemTime>) -> Result<Option<CertificateInfo>> {
        let infos = CertificateInfo::read(&self.files.certificate)?;
        let now = SystemTime::now();
        let past = last_try.map(|then| now.duration_since(then).unwrap_or_default());
        let rests = past.is_some_and(|past| past < RENEWAL_REST);
        let due = infos
            .into_iter()
            .next()
            .filter(|info| info.is_due(Timestamp::now()) && !rests);
        if due.is_some() {
            *last_try = Some(now);
        }
        Ok(due)
    }

    /// No rest after a renewal that went well; but one whose authority ends soon is due again at once.
    fn renewed(&self, last_try: &mut Option<SystemTime>) -> Result<()> {
        let infos = CertificateInfo::read(&self.files.certificate)?;
        if infos
            .first()
            .is_some_and(|info| !info.is_due(Timestamp::now()))
        {
            *last_try = None;
        }
        Ok(())
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

/// What ends soon is told once a day; a reload tells it too.
async fn warn(gate: GateHandle) {
    loop {
        tokio::time::sleep(Duration::from_hours(24)).await;
        gate.warn_of_ends();
    }
}

/// Logs an outcome once, as long as it stays the same; says whether it was an error.
fn tell(outcome: Result<()>, told: &mut String) -> bool {
    let error = outcome
        .err()
        .map(|error| format!("{error:#}"))
        .unwrap_or_default();
    if !error.is_empty() && error != *told {
        tracing::warn!(
            error,
            "the authority cannot be followed; what is known stays in use"
        );
    } else if error.is_empty() && !told.is_empty() {
        tracing::info!("the authority is followed again");
    }
    *told = error;
    !told.is_empty()
}

/// After a renewal that failed.
const RENEWAL_REST: Duration = Duration::from_mins(1);
