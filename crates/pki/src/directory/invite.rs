//! Invitations: somebody may fetch one certificate, once, soon.
//!
//! The secret of an invitation is the seed of an Ed25519 key. Here lies only the SHA-256 of the public
//! half: whoever reads the directory cannot use an invitation. Whoever redeems one sends the public
//! half and a signature over the connection and the request, so the secret itself never travels, and
//! what was sent is of no use on another connection or for another key.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use lockgate_types::{ErrorKind, Secret, Timestamp, hex};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{AuthorityDirectory, DirectoryError, locked};
use crate::authority::Profile;
use crate::name::{AuthorityName, ClientName, NameError, SubjectName};

/// Why an invitation is refused. The text goes to whoever tried.
#[derive(Debug, Error)]
pub enum RedeemError {
    /// Its time is over.
    #[error("the invitation expired at {0}: ask for a new one")]
    Expired(Timestamp),
    /// The record failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The secret is another one.
    #[error("the invitation's secret is wrong, the token was altered: ask for a new one")]
    Proof,
    /// There is none of that name.
    #[error("the invitation is not known here: ask for a new one")]
    Unknown,
    /// It was used.
    #[error("the invitation was used at {0} already: if that was not you, tell who invited you")]
    Used(Timestamp),
}

impl RedeemError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Directory(error) => error.kind(),
            Self::Expired(_) | Self::Used(_) | Self::Proof | Self::Unknown => ErrorKind::Denied,
        }
    }

    /// A stable word for the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Directory(_) => "internal",
            Self::Expired(_) => "expired",
            Self::Proof => "wrong_secret",
            Self::Unknown => "unknown",
            Self::Used(_) => "used",
        }
    }
}

/// Who is invited, and to what. These are the names that will be certified; the applicant adds none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "lowercase", deny_unknown_fields)]
pub enum Invited {
    /// A client.
    Client {
        /// Its name.
        name: String,
        /// Its organisation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organization: Option<String>,
        /// Its organisational unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The role that its certificate carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// The daemons it is to use, as `tcp://HOST:PORT`.
        #[serde(default)]
        hosts: Vec<String>,
    },
    /// A server.
    Server {
        /// The names it is reached by.
        names: Vec<String>,
    },
}

impl Invited {
    /// The name for lists and journals.
    pub fn identity(&self) -> &str {
        match self {
            Self::Client { name, .. } => name,
            Self::Server { names } => names.first().map_or("", String::as_str),
        }
    }

    /// What is certified.
    pub fn profile(&self) -> Result<Profile, NameError> {
        let text = |text: &Option<String>| text.as_deref().map(str::parse::<AuthorityName>);
        Ok(match self {
            Self::Client {
                name,
                organization,
                unit,
                role,
                ..
            } => Profile::Client {
                name: name.parse::<ClientName>()?,
                organization: text(organization).transpose()?,
                unit: text(unit).transpose()?,
                role: role.as_deref().map(str::parse).transpose()?,
            },
            Self::Server { names } => Profile::Server {
                names: names
                    .iter()
                    .map(|name| name.parse::<SubjectName>())
                    .collect::<Result<_, _>>()?,
            },
        })
    }
}

/// One invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its name; not secret.
    pub id: String,
    /// SHA-256 of the public half of its secret, in hex.
    pub verifier_sha256: String,
    /// For whom.
    pub invited: Invited,
    /// Since when.
    pub created: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// When it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// The secret of an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteSecret(Secret<[u8; 32]>);

impl InviteSecret {
    /// A new one.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self(Secret::new(seed)))
    }

    /// One that came in a token.
    pub fn from_bytes(seed: [u8; 32]) -> Self {
        Self(Secret::new(seed))
    }

    /// For the token.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The public half, and its signature over `message`.
    pub fn prove(&self, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        // Every 32 octets are a seed.
        Ed25519KeyPair::from_seed_unchecked(self.0.expose()).map_or_else(
            |_impossible| (Vec::new(), Vec::new()),
            |pair| {
                let signature = pair.sign(message);
                (
                    pair.public_key().as_ref().to_vec(),
                    signature.as_ref().to_vec(),
                )
            },
        )
    }
}

impl AuthorityDirectory {
    /// Records a new invitation.
    pub fn invite(
        &self,
        invited: Invited,
        seconds: u32,
        now: Timestamp,
    ) -> Result<(Invite, InviteSecret), DirectoryError> {
        let path = self.path().join(INVITES);
        let random = |error: getrandom::Error| {
            DirectoryError::io(&path)(std::io::Error::other(error.to_string()))
        };
        let secret = InviteSecret::generate().map_err(random)?;
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(random)?;
        let invite = Invite {
            id: hex(&id),
            verifier_sha256: fingerprint(&secret.prove(b"").0),
            invited,
            created: now,
            expires: crate::clock::timestamp(now.unix_seconds() + i64::from(seconds)),
            used: None,
        };
        let lock = self.lock()?;
        let mut all = self.invites()?;
        all.retain(|old| now.since(old.expires) < KEPT);
        all.push(invite.clone());
        self.write_invites(&lock, &all)?;
        Ok((invite, secret))
    }

    /// Uses an invitation up, if `signature` proves its secret over `message`. On disk on return:
    /// nobody can use it again, also when the certificate is never fetched.
    pub fn redeem(
        &self,
        id: &str,
        public: &[u8],
        signature: &[u8],
        message: &[u8],
        now: Timestamp,
    ) -> Result<Invite, RedeemError> {
        let lock = self.lock()?;
        let mut all = self.invites()?;
        let invite = all.iter_mut().find(|one| one.id == id);
        let invite = invite.ok_or(RedeemError::Unknown)?;
        let known = fingerprint(public);
        let fits = verify_slices_are_equal(known.as_bytes(), invite.verifier_sha256.as_bytes());
        let signed = UnparsedPublicKey::new(&ED25519, public).verify(message, signature);
        // The proof first: a stranger who knows the name alone learns nothing.
        if fits.is_err() || signed.is_err() {
            return Err(RedeemError::Proof);
        }
        if let Some(used) = invite.used {
            return Err(RedeemError::Used(used));
        }
        if now > invite.expires {
            return Err(RedeemError::Expired(invite.expires));
        }
        invite.used = Some(now);
        let invite = invite.clone();
        self.write_invites(&lock, &all)?;
        Ok(invite)
    }

    /// Ends every invitation that is open.
    pub(crate) fn close_invites(&self, now: Timestamp) -> Result<(), DirectoryError> {
        let lock = self.lock()?;
        let mut all = self.invites()?;
        let open = all
            .iter_mut()
            .filter(|one| one.used.is_none() && one.expires > now);
        let mut closed = 0;
        for invite in open {
            invite.expires = now;
            closed += 1;
        }
        if closed == 0 {
            return Ok(());
        }
        self.write_invites(&lock, &all)
    }

    /// All invitations that are remembered.
    pub fn invites(&self) -> Result<Vec<Invite>, DirectoryError> {
        let path = self.path().join(INVITES);
        let text = locked::read(&path).map_err(DirectoryError::io(&path))?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_slice(&text).map_err(|error| DirectoryError::Line {
            line: error.line(),
            reason: error.to_string(),
            file: path,
        })
    }

    fn write_invites(&self, lock: &super::Locked, all: &[Invite]) -> Result<(), DirectoryError> {
        let path = self.path().join(INVITES);
        let text = serde_json::to_vec_pretty(all)
            .map_err(|error| DirectoryError::io(&path)(error.into()))?;
        lock.replace(&path, &text, 0o600)
            .map_err(DirectoryError::io(&path))
    }
}

fn fingerprint(public: &[u8]) -> String {
    hex(digest(&SHA256, public).as_ref())
}

/// The record of invitations.
const INVITES: &str = "invites.json";
/// For how long an ended invitation is remembered, so that its own message can be given.
const KEPT: std::time::Duration = std::time::Duration::from_hours(30 * 24);
