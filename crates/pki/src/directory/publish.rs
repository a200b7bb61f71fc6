//! The revocation lists as peers get them.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_types::{Timestamp, hex};
use rcgen::{RevokedCertParams, SerialNumber};

use super::{AuthorityDirectory, DirectoryError, RevokedRecord, locked};
use crate::authority::Authority;
use crate::clock::{date, timestamp};
use crate::crl::{CRL_DAYS_MAX, CrlError, RevocationList, Revocations};
use crate::key::encode;

/// What was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlSummary {
    /// The number of the lists.
    pub number: u64,
    /// How many entries they have together.
    pub entries: usize,
    /// When the next ones are due.
    pub next_update: Timestamp,
}

impl AuthorityDirectory {
    /// Signs the lists of all `authorities` anew and puts them into `crl.pem`. On disk on return.
    pub fn publish_crl(
        &self,
        authorities: &[&Authority],
        days: u32,
    ) -> Result<CrlSummary, DirectoryError> {
        if !(1..=CRL_DAYS_MAX).contains(&days) {
            return Err(DirectoryError::Days(days));
        }
        let lock = self.lock()?;
        let now = authorities
            .first()
            .map_or_else(Timestamp::now, |one| one.now());
        let number = self.next_number(authorities, now)?;
        let revoked = self.revoked()?;
        let (mut pem, mut entries) = (String::new(), 0);
        for authority in authorities {
            let of_it = entries_of(authority, &revoked, now);
            entries += of_it.len();
            let der = authority.sign_crl(number, days, of_it)?;
            // Daemons whose own chain goes another way know its signer by that.
            if !authority.chain().is_empty() {
                pem.push_str(&authority.own_pem());
            }
            pem.push_str(&encode("X509 CRL", der));
        }
        pem.push_str(&self.root_list()?);
        let path = self.crl_path();
        lock.replace(&path, pem.as_bytes(), 0o444)
            .map_err(DirectoryError::io(&path))?;
        let end = now.unix_seconds() + i64::from(days) * crate::clock::DAY;
        Ok(CrlSummary {
            number,
            entries,
            next_update: timestamp(end),
        })
    }

    /// The lists as they are now; none if there never were any.
    pub fn crl(&self, authorities: &[&Authority]) -> Result<Option<Revocations>, DirectoryError> {
        let now = authorities
            .first()
            .map_or_else(Timestamp::now, |one| one.now());
        self.crl_at(authorities, now)
    }

    fn crl_at(
        &self,
        authorities: &[&Authority],
        now: Timestamp,
    ) -> Result<Option<Revocations>, DirectoryError> {
        let path = self.crl_path();
        let text = locked::read(&path).map_err(DirectoryError::io(&path))?;
        if text.is_empty() {
            return Ok(None);
        }
        let trusted: Vec<_> = authorities
            .iter()
            .map(|one| one.root_der().clone())
            .collect();
        Ok(Some(Revocations::parse(&text, &path, &trusted, 0, now)?))
    }

    /// Whether the lists have to be signed anew: half of their time is over, one is missing or damaged, the
    /// record says something else, or the root's list is another one now.
    pub fn crl_is_due(
        &self,
        authorities: &[&Authority],
        days: u32,
        now: Timestamp,
    ) -> Result<bool, DirectoryError> {
        let lists = match self.crl(authorities) {
            Ok(Some(lists)) => lists,
            Ok(None) | Err(DirectoryError::Crl(_)) => return Ok(true),
            Err(error) => return Err(error),
        };
        let half = i64::from(days) * crate::clock::DAY / 2;
        let is_old =
            |list: &RevocationList| list.next_update().unix_seconds() - now.unix_seconds() < half;
        let due = |one: &&Authority| lists.of(one.certificate_der()).is_none_or(is_old);
        let path = self.crl_path();
        let text = locked::read(&path).map_err(DirectoryError::io(&path))?;
        let text = String::from_utf8_lossy(&text);
        let is_other_root_list = !text.ends_with(&self.root_list()?);
        Ok(authorities.iter().any(due)
            || is_other_root_list
            || self.differs(&lists, authorities, now)?)
    }

    /// Whether the record says something else than the lists: whoever changed it was killed before signing.
    fn differs(
        &self,
        lists: &Revocations,
        authorities: &[&Authority],
        now: Timestamp,
    ) -> Result<bool, DirectoryError> {
        let revoked = self.revoked()?;
        Ok(authorities.iter().any(|one| {
            // As they are signed: whole octets, without leading zeros.
            let octets = lines_of(one, &revoked, now).filter_map(|line| unhex(&line.serial));
            let recorded: BTreeSet<String> = octets
                .map(|serial| hex(&serial).trim_start_matches("00").to_owned())
                .collect();
            let list = lists.of(one.certificate_der());
            let signed: BTreeSet<String> = list.map_or_else(BTreeSet::new, |list| {
                list.serials()
                    // Those that have ended meanwhile are no news.
                    .filter(|serial| revoked.get(serial).is_none_or(|line| line.not_after >= now))
                    .collect()
            });
            recorded != signed
        }))
    }

    /// The root's list, if the root is elsewhere; else nothing.
    fn root_list(&self) -> Result<String, DirectoryError> {
        let path = self.root_list_path();
        let text = locked::read(&path).map_err(DirectoryError::io(&path))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// One more than the last; never less than the milliseconds since 1970, so that it goes up even
    /// when the last list was lost: daemons refuse a list with a lower number than theirs. A list that cannot be read is replaced: that is how it is mended.
    fn next_number(
        &self,
        authorities: &[&Authority],
        now: Timestamp,
    ) -> Result<u64, DirectoryError> {
        // Whatever its date: after a clock was set back, the last list is of the future.
        let last = match self.crl_at(authorities, timestamp(END_OF_TIME)) {
            Ok(Some(lists)) => lists
                .lists()
                .iter()
                .filter_map(RevocationList::number)
                .max(),
            Ok(None) | Err(DirectoryError::Crl(_)) => None,
            Err(error) => return Err(error),
        };
        let millis = u64::try_from(now.unix_nanos() / 1_000_000).unwrap_or(0);
        let next = last
            .unwrap_or(0)
            .checked_add(1)
            .ok_or(CrlError::Malformed)?;
        Ok(next.max(millis))
    }
}

/// The entries of one authority: those it signed itself, and those of whom nobody knows who did. An
/// entry stays until its certificate has ended.
fn entries_of(
    authority: &Authority,
    revoked: &BTreeMap<String, RevokedRecord>,
    now: Timestamp,
) -> Vec<RevokedCertParams> {
    lines_of(authority, revoked, now)
        .filter_map(|line| {
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&unhex(&line.serial)?),
                revocation_time: date(line.at.unix_seconds()),
                reason_code: Some(line.reason.code()),
                invalidity_date: None,
            })
        })
        .collect()
}

fn lines_of<'a>(
    authority: &Authority,
    revoked: &'a BTreeMap<String, RevokedRecord>,
    now: Timestamp,
) -> impl Iterator<Item = &'a RevokedRecord> {
    let own = authority.info().subject_key_id.clone();
    revoked
        .values()
        .filter(move |line| line.not_after >= now)
        .filter(move |line| line.authority_key_id.is_none() || line.authority_key_id == own)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(octet).collect()
}

/// The last second that a certificate can name.
const END_OF_TIME: i64 = 253_402_300_799;
