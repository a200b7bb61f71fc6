//! Locking out: by name, by serial number, by the certificate itself.

use lockgate_types::Timestamp;
use rustls_pki_types::CertificateDer;

use super::revoked::normal;
use super::{AuthorityDirectory, DirectoryError, Reason, RevokedRecord};
use crate::authority::{Authority, IssuedRecord, LEAF_DAYS_MAX};
use crate::certificate::CertificateInfo;
use crate::clock::{DAY, timestamp};
use crate::crl::signed;

impl AuthorityDirectory {
    /// Revokes every certificate of an identity, or the one with a serial number, that is good or could still
    /// be renewed after its end. The line is on disk when this returns; the list is signed by
    /// [`Self::publish_crl`].
    pub fn revoke(
        &self,
        who: &str,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Vec<RevokedRecord>, DirectoryError> {
        let serial = normal(who);
        let of_who = |issued: &IssuedRecord| issued.identity() == who || issued.serial == serial;
        let issued = self.issued()?.into_iter().filter(of_who);
        self.revoke_all(issued.collect(), who, reason, now)
    }

    /// Revokes a certificate that an authority here signed, whether or not the record knows it.
    pub fn revoke_certificate(
        &self,
        certificate: &CertificateDer<'_>,
        authorities: &[&Authority],
        reason: Reason,
        now: Timestamp,
    ) -> Result<Vec<RevokedRecord>, DirectoryError> {
        let info = CertificateInfo::from_der(certificate)?;
        let is_ours = |one: &&Authority| signed(one.certificate_der(), certificate);
        if !authorities.iter().any(is_ours) {
            return Err(DirectoryError::Foreign(info.subject));
        }
        let issued = IssuedRecord::of(&info, now);
        let who = issued.identity().to_owned();
        self.revoke_all(vec![issued], &who, reason, now)
    }

    /// Revokes a serial number that the record does not know: what was issued between a backup and its
    /// restoration. On the list of every authority here, for as long as a certificate can live.
    pub fn revoke_unrecorded(
        &self,
        serial: &str,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Vec<RevokedRecord>, DirectoryError> {
        let digits = normal(serial);
        let is_serial = digits.len() <= 40
            && digits.bytes().all(|c| c.is_ascii_hexdigit())
            && digits.bytes().any(|c| c != b'0');
        if !is_serial {
            return Err(DirectoryError::NotASerial(serial.to_owned()));
        }
        // Whole octets, as they are recorded.
        let digits = format!("{}{digits}", if digits.len() % 2 == 1 { "0" } else { "" });
        if self.issued()?.iter().any(|issued| issued.serial == digits) {
            return self.revoke(&digits, reason, now);
        }
        let longest = i64::from(LEAF_DAYS_MAX) * DAY;
        let line = RevokedRecord {
            at: now,
            identity: UNKNOWN.to_owned(),
            serial: digits,
            reason,
            released: false,
            not_after: timestamp(now.unix_seconds() + longest),
            authority_key_id: None,
        };
        self.revoke_lines(vec![line], serial)
    }

    fn revoke_all(
        &self,
        issued: Vec<IssuedRecord>,
        who: &str,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Vec<RevokedRecord>, DirectoryError> {
        let oldest = now.unix_seconds() - i64::from(GRACE_DAYS_MAX) * DAY;
        let lines = issued
            .into_iter()
            .filter(|one| !one.usage.is_empty() && one.not_after.unix_seconds() >= oldest)
            .map(|issued| RevokedRecord {
                at: now,
                identity: issued.identity().to_owned(),
                serial: issued.serial,
                reason,
                released: false,
                not_after: issued.not_after,
                authority_key_id: issued.authority_key_id,
            });
        self.revoke_lines(lines.collect(), who)
    }

    fn revoke_lines(
        &self,
        mut lines: Vec<RevokedRecord>,
        who: &str,
    ) -> Result<Vec<RevokedRecord>, DirectoryError> {
        let lock = self.lock()?;
        let known = self.revoked()?;
        let mut already = None;
        // A hold may become final; what is final stays as it is.
        lines.retain(|line| {
            let before = known.get(&line.serial);
            let is_new = before.is_none_or(|before| {
                before.reason == Reason::CertificateHold && before.reason != line.reason
            });
            already = already.or_else(|| before.filter(|_| !is_new).map(|before| before.reason));
            is_new
        });
        match (lines.is_empty(), already) {
            (true, Some(reason)) => {
                return Err(DirectoryError::RevokedAlready {
                    who: who.to_owned(),
                    reason: reason.to_string(),
                });
            }
            (true, None) => return Err(DirectoryError::NotIssued(who.to_owned())),
            (false, _) => {}
        }
        self.append(&lock, &lines)?;
        Ok(lines)
    }
}

/// Whose a certificate is that nobody recorded.
pub(crate) const UNKNOWN: &str = "unknown";
/// The longest time after its end that any authority lets a certificate be renewed, in days.
pub const GRACE_DAYS_MAX: u32 = 366;
