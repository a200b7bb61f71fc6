//! Roles lent for a time.
//!
//! They are in the memory of one process and nowhere else: a daemon that ends, however it ends, takes them with it.
//! Each has two ends, one by the calendar and one by a clock that nobody sets; the first that comes counts, and it is
//! looked at when a call is judged: no timer has to be on time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockgate_types::{ErrorKind, Timestamp, random_hex};

use crate::audit::{AuditError, AuditLog, Record};
use crate::policy::Policy;
use crate::principal::Principal;

/// The longest that a role is lent.
const LONGEST: Duration = Duration::from_hours(24);
/// So many at one time; more are a mistake.
const MOST: usize = 64;
const ID_DIGITS: usize = 12;

/// A role that is lent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elevation {
    /// Names it.
    pub id: String,
    /// To whom, by the name under which objects belong to an identity: `cn=alice`.
    pub who: String,
    /// Which.
    pub role: String,
    /// Who lent it.
    pub by: String,
    /// Until when.
    pub until: Timestamp,
    ends: Instant,
}

/// A role that somebody has for a time, as the judgement sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lent {
    pub(crate) id: String,
    pub(crate) role: String,
}

/// Why an elevation does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ElevateError {
    /// Not a second, or more than a day.
    #[error("a role is lent for at least a second and at most 24 hours")]
    Duration,
    /// It would change nothing.
    #[error("there is no policy file: every valid identity is admin already")]
    NoPolicy,
    /// There is no such role.
    #[error("there is no role `{role}`; there are {known}")]
    NoRole {
        /// The name.
        role: String,
        /// All names.
        known: String,
    },
    /// Nobody has such a name.
    #[error("`{0}` names nobody: give a common name, or cn=NAME, uid=NUMBER or spki=HASH")]
    Nobody(String),
    /// It cannot be recorded, so it does not begin.
    #[error("the audit log cannot be written, so no role is lent; see the daemon's log")]
    NoAudit(#[source] AuditError),
    /// Forgotten ones?
    #[error("{MOST} roles are lent already; end some with `lockgate elevate --end ID`")]
    TooMany,
}

impl ElevateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Duration | Self::NoRole { .. } | Self::Nobody(_) => ErrorKind::InvalidInput,
            Self::NoPolicy | Self::TooMany => ErrorKind::Conflict,
            Self::NoAudit(_) => ErrorKind::Unavailable,
        }
    }
}

/// Why an elevation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElevationEnd {
    /// Its time.
    Expired,
    /// Somebody ended it.
    Ended,
    /// The daemon stops.
    Stopped,
}

impl ElevationEnd {
    fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Stopped => "daemon_stopped",
        }
    }
}

impl Elevation {
    /// How long it lasts from now on.
    pub fn left(&self) -> Duration {
        let by_clock = self.ends.saturating_duration_since(Instant::now());
        by_clock.min(self.until.since(Timestamp::now()))
    }
}

/// All that are lent.
#[derive(Debug, Default)]
pub(crate) struct Elevations(Mutex<Vec<Elevation>>);

impl Elevations {
    /// Records and lends, in that order.
    pub(crate) fn begin(
        &self,
        audit: &AuditLog,
        policy: &Policy,
        by: &Principal,
        (who, role, time): (&str, &str, Duration),
    ) -> Result<Elevation, ElevateError> {
        if time < Duration::from_secs(1) || time > LONGEST {
            return Err(ElevateError::Duration);
        }
        let known = policy.role_names().ok_or(ElevateError::NoPolicy)?;
        if !known.contains(&role) {
            return Err(ElevateError::NoRole {
                role: role.to_owned(),
                known: known.join(", "),
            });
        }
        let elevation = Elevation::new(owner(who)?, role, by, time);
        let mut all = self.lock();
        if all.len() >= MOST {
            return Err(ElevateError::TooMany);
        }
        let record = Record::Elevated {
            elevation: &elevation.id,
            who: &elevation.who,
            role: &elevation.role,
            until: elevation.until,
            by,
        };
        audit.write(&record).map_err(ElevateError::NoAudit)?;
        all.push(elevation.clone());
        Ok(elevation)
    }

    /// Takes it back, then records that; `None` if it is over already.
    pub(crate) fn end(&self, audit: &AuditLog, id: &str, why: ElevationEnd) -> Option<Elevation> {
        let mut all = self.lock();
        let place = all.iter().position(|elevation| elevation.id == id)?;
        let elevation = all.remove(place);
        drop(all);
        let record = Record::ElevationEnded {
            elevation: &elevation.id,
            who: &elevation.who,
            role: &elevation.role,
            reason: why.word(),
        };
        // One that cannot be written is counted and told of.
        drop(audit.write(&record));
        Some(elevation)
    }

    /// Those that last.
    pub(crate) fn all(&self) -> Vec<Elevation> {
        let all = self.lock();
        all.iter()
            .filter(|it| !it.left().is_zero())
            .cloned()
            .collect()
    }

    /// What somebody has now.
    pub(crate) fn of(&self, principal: &Principal) -> Vec<Lent> {
        let all = self.lock();
        if all.is_empty() {
            return Vec::new();
        }
        let owner = principal.owner();
        let lasting = all
            .iter()
            .filter(|it| it.who == owner && !it.left().is_zero());
        let lent = lasting.map(|it| Lent {
            id: it.id.clone(),
            role: it.role.clone(),
        });
        lent.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Elevation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Elevation {
    fn new(who: String, role: &str, by: &Principal, time: Duration) -> Self {
        let mut id = random_hex();
        id.truncate(ID_DIGITS);
        Self {
            id,
            who,
            role: role.to_owned(),
            by: by.owner(),
            until: (std::time::SystemTime::now() + time).into(),
            ends: Instant::now() + time,
        }
    }
}

/// The name of an identity as its objects have it: a bare name is a common name.
fn owner(text: &str) -> Result<String, ElevateError> {
    let nobody = || ElevateError::Nobody(text.to_owned());
    let (key, name) = text.split_once('=').unwrap_or(("cn", text));
    let is_name = match key {
        "cn" => !name.trim().is_empty(),
        "uid" => name.parse::<u32>().is_ok(),
        "spki" => name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
        _ => false,
    };
    is_name.then(|| format!("{key}={name}")).ok_or_else(nobody)
}
