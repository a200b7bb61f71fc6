//! What the service knows, read anew when the authority's directory changes.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use lockgate_pki::{
    Authorities, Authority, AuthorityDirectory, Clock, DirectoryError, KeyType, Revocations,
    ServerRequest, Validity,
};
use lockgate_types::Timestamp;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use tokio::sync::watch;

use super::limit::Limiter;
use super::locked_out::LockedOut;
use super::seen::{self, SeenBook};
use super::verifier::PeerVerifier;
use super::{ServiceConfig, ServiceError};
use crate::wire::Trust;

/// The service's state.
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: ServiceConfig,
    pub(super) limiter: Limiter,
    pub(super) seen: SeenBook,
    opened: ArcSwap<Opened>,
    tag: watch::Sender<String>,
    clock: Clock,
}

/// The authority as it lies on disk.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) authorities: Arc<Authorities>,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) trust: Trust,
    pub(super) locked_out: LockedOut,
    looks: Vec<Look>,
    /// The fingerprint of the root that certifies the service itself.
    root: String,
    tls_since: Instant,
}

/// What a file looked like.
type Look = Option<(u64, i64, i64, u64)>;

impl State {
    pub(super) fn open(config: ServiceConfig, clock: Clock) -> Result<Self, ServiceError> {
        let opened = open(&config, clock, None)?;
        let seen = SeenBook::open(config.directory.path().join(seen::FILE));
        Ok(Self {
            limiter: Limiter::default(),
            seen,
            tag: watch::Sender::new(opened.trust.tag.clone()),
            opened: ArcSwap::from_pointee(opened),
            config,
            clock,
        })
    }

    pub(super) fn directory(&self) -> &AuthorityDirectory {
        &self.config.directory
    }

    pub(super) fn opened(&self) -> Arc<Opened> {
        self.opened.load_full()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn news(&self) -> watch::Receiver<String> {
        self.tag.subscribe()
    }

    /// Writes where the service can be reached, for `lockgate invite`.
    pub(super) fn remember_address(
        &self,
        advertise: &str,
        real: SocketAddr,
    ) -> Result<(), ServiceError> {
        // A test lets the system choose the port.
        let text = match advertise.strip_suffix(":0") {
            Some(host) => format!("{host}:{}\n", real.port()),
            None => format!("{advertise}\n"),
        };
        let path = self.directory().path().join(ADDRESS);
        std::fs::write(&path, text).map_err(|error| {
            ServiceError::Directory(DirectoryError::Io {
                reason: error.to_string(),
                file: path,
            })
        })
    }

    pub(super) fn save_seen(&self) {
        if let Err(error) = self.seen.save() {
            tracing::warn!(error = %error, "authority: cannot write who was last seen");
        }
    }

    /// Whether a rotation came so far that the service itself moves to the new root.
    fn root_changed(&self, opened: &Opened) -> Result<bool, ServiceError> {
        let root = self.directory().service_root(self.now())?;
        Ok(root.fingerprint_sha256 != opened.root)
    }

    /// Reads the directory again if it changed, signs lists that are half used up, and makes the
    /// service's own certificate anew once a day.
    fn look_after(&self) -> Result<(), ServiceError> {
        let opened = self.opened();
        let all = opened.authorities.all();
        let is_half_over = |one: &&Authority| {
            let half = i64::from(self.config.crl_days) * 86_400 / 2;
            let list = opened.locked_out.lists.of(one.certificate_der());
            let next = list.map(|list| list.next_update().unix_seconds());
            next.is_none_or(|next| next - self.now().unix_seconds() < half)
        };
        let due = all.iter().any(is_half_over)
            || opened.authorities.previous.is_some() && self.root_changed(&opened)?;
        let is_old = opened.tls_since.elapsed() > TLS_LIFE;
        if !due && !is_old && looks(&self.config.directory) == opened.looks {
            return Ok(());
        }
        let fresh = open(&self.config, self.clock, Some(&*opened).filter(|_| !is_old))?;
        let tag = fresh.trust.tag.clone();
        self.opened.store(Arc::new(fresh));
        self.tag.send_if_modified(|old| {
            let changed = *old != tag;
            *old = tag;
            changed
        });
        tracing::info!("authority: read again");
        Ok(())
    }
}

/// Looks after the state until it is dropped.
pub(super) async fn keep(state: Arc<State>) {
    let mut last_error = String::new();
    let mut round = 0_u32;
    loop {
        tokio::time::sleep(EVERY).await;
        round = round.wrapping_add(1);
        let keeper = Arc::clone(&state);
        let saves = round.is_multiple_of(SAVE_ROUNDS);
        let looked = tokio::task::spawn_blocking(move || {
            if saves {
                keeper.save_seen();
            }
            keeper.look_after()
        });
        let error = match looked.await {
            Ok(Ok(())) => String::new(),
            Ok(Err(error)) => error.to_string(),
            Err(panicked) => panicked.to_string(),
        };
        if !error.is_empty() && error != last_error {
            tracing::error!(
                error,
                "AUTHORITY NOT READ AGAIN; what was read last stays in use"
            );
        }
        last_error = error;
    }
}

/// Reads the directory. The service keeps the certificate that it had `before` if its root is still
/// the one to use: every new one is a line in the record.
fn open(
    config: &ServiceConfig,
    clock: Clock,
    before: Option<&Opened>,
) -> Result<Opened, ServiceError> {
    let directory = &config.directory;
    // Before anything is read: what changes meanwhile is read again.
    let looks = looks(directory);
    // Opening a key takes its time; a new list is no reason to.
    let same = before.filter(|before| before.looks.get(LISTS..) == looks.get(LISTS..));
    let authorities = match same {
        Some(before) => Arc::clone(&before.authorities),
        None => Arc::new(directory.open(config.passphrase.as_ref(), clock)?),
    };
    let lists = current_list(config, &authorities, clock.now())?;
    let locked_out = LockedOut::read(directory, lists)?;
    let root = directory.service_root(clock.now())?.fingerprint_sha256;
    let ca = authorities.issuing.certificate_pem().to_owned();
    let is_kept = |before: &&Opened| {
        let issuer = before.authorities.issuing.certificate_der();
        before.root == root
            && before.trust.ca == ca
            && issuer == authorities.issuing.certificate_der()
    };
    let kept = before.filter(is_kept);
    let (tls, tls_since) = match kept {
        Some(before) => (Arc::clone(&before.tls), before.tls_since),
        None => (own_tls(config, &authorities, clock)?, Instant::now()),
    };
    let crl = read_text(&directory.crl_path()).map_err(|error| {
        ServiceError::Directory(DirectoryError::Io {
            file: directory.crl_path(),
            reason: error.to_string(),
        })
    })?;
    let tag = tag(&[ca.as_bytes(), crl.as_bytes()]);
    Ok(Opened {
        authorities,
        tls,
        trust: Trust { tag, ca, crl },
        locked_out,
        looks,
        root,
        tls_since,
    })
}

/// A file of the directory, for which nobody is waited.
pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    let text = lockgate_sys::file::read_regular(path, LONGEST)?;
    String::from_utf8(text).map_err(|error| std::io::Error::new(ErrorKind::InvalidData, error))
}

/// No list is longer.
const LONGEST: u64 = 256 << 20;

/// The lists, signed anew if there are none, if one is damaged, or if half of their time is over.
fn current_list(
    config: &ServiceConfig,
    authorities: &Authorities,
    now: Timestamp,
) -> Result<Revocations, ServiceError> {
    keep_list(&config.directory, authorities, config.crl_days, now)?;
    let known = config.directory.crl(&authorities.all())?;
    Ok(known.unwrap_or_default())
}

/// Signs the lists anew when they are due; says whether they were.
pub fn keep_list(
    directory: &AuthorityDirectory,
    authorities: &Authorities,
    days: u32,
    now: Timestamp,
) -> Result<bool, DirectoryError> {
    let all = authorities.all();
    if !directory.crl_is_due(&all, days, now)? {
        return Ok(false);
    }
    let summary = directory.publish_crl(&all, days)?;
    let (number, entries) = (summary.number, summary.entries);
    tracing::info!(number, entries, "revocation list signed");
    Ok(true)
}

/// A certificate for the service itself, whose key never touches the disk.
fn own_tls(
    config: &ServiceConfig,
    authorities: &Authorities,
    clock: Clock,
) -> Result<Arc<ServerConfig>, ServiceError> {
    let rotation = config.directory.rotation(clock.now())?;
    let issuer = authorities.for_servers(rotation.as_ref());
    let request = ServerRequest {
        names: config.names.clone(),
        validity: Validity::Longest,
        key_type: KeyType::default(),
    };
    let issued = issuer
        .issue_server(&request)
        .map_err(DirectoryError::from)?;
    issuer.record(&[&issued]).map_err(DirectoryError::from)?;
    // With its root, whose key the token's pin is of.
    let mut chain = vec![issued.certificate_der().clone()];
    chain.extend_from_slice(issuer.chain());
    chain.push(issuer.root_der().clone());
    let roots = authorities
        .all()
        .iter()
        .map(|one| one.root_der().clone())
        .collect();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let grace = i64::try_from(config.grace.as_secs()).unwrap_or(i64::MAX);
    let verifier = PeerVerifier::new(roots, grace, Arc::clone(&provider));
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, issued.key_der())?;
    // A resumed session is not verified again.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(Arc::new(tls))
}

fn tag(parts: &[&[u8]]) -> String {
    let digest = digest(&SHA256, &parts.concat());
    let start = digest.as_ref().first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(start))
}

/// How the files look, the lists first.
fn looks(directory: &AuthorityDirectory) -> Vec<Look> {
    let names = [
        "crl.pem",
        "root-crl.pem",
        "revoked.jsonl",
        "ca.pem",
        "issuer.pem",
        "ca-key.pem",
        "previous/ca.pem",
    ];
    names
        .iter()
        .map(|name| look(&directory.path().join(name)))
        .collect()
}

fn look(path: &Path) -> Look {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.size(),
    ))
}

/// How many of the files say who is locked out.
const LISTS: usize = 3;
/// How often the directory is looked at: a revocation is to be everywhere within a second.
const EVERY: Duration = Duration::from_millis(100);
/// After how many looks the book of who was seen is written.
const SAVE_ROUNDS: u32 = 10;
/// How long the service's own certificate is used.
const TLS_LIFE: Duration = Duration::from_hours(24);
/// The file that says where the service can be reached.
pub(super) const ADDRESS: &str = "address";
