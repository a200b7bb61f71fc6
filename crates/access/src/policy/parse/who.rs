//! What identifies somebody.

use std::time::SystemTime;

use serde::Deserialize;
use toml::Spanned;

use crate::policy::PolicyError;
use crate::policy::binding::Condition;
use crate::{Certificate, Principal, UnixPeer};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhoText {
    /// What they have, in a binding.
    #[serde(default)]
    pub(super) roles: Vec<Spanned<String>>,
    certificate_role: Option<String>,
    common_name: Option<String>,
    gid: Option<u32>,
    issuer: Option<String>,
    loopback: Option<bool>,
    organization: Option<String>,
    organizational_unit: Option<String>,
    san: Option<String>,
    serial: Option<String>,
    spki_sha256: Option<String>,
    uid: Option<u32>,
}

impl WhoText {
    pub(super) fn conditions(self, number: usize) -> Result<Vec<Condition>, PolicyError> {
        let bad = |key| PolicyError::BadCondition {
            binding: number,
            key,
        };
        let name = |key, value: Option<String>, make: fn(String) -> Condition| match value {
            Some(value) if value.trim().is_empty() => Err(bad(key)),
            value => Ok(value.map(make)),
        };
        let hex = |key, value: Option<String>, make: fn(String) -> Condition| match value {
            Some(value) => normal_hex(&value)
                .map(|hex| Some(make(hex)))
                .ok_or_else(|| bad(key)),
            None => Ok(None),
        };
        let loopback = match self.loopback {
            Some(false) => return Err(bad("loopback")),
            wanted => wanted.map(|_| Condition::Loopback),
        };
        let unit = self.organizational_unit;
        let all = [
            name(
                "certificate_role",
                self.certificate_role,
                Condition::Carried,
            )?,
            name("common_name", self.common_name, Condition::CommonName)?,
            self.gid.map(Condition::Gid),
            name("issuer", self.issuer, Condition::Issuer)?,
            loopback,
            name("organization", self.organization, Condition::Organization)?,
            name("organizational_unit", unit, Condition::OrganizationalUnit)?,
            name("san", self.san, Condition::San)?,
            hex("serial", self.serial, Condition::Serial)?,
            hex("spki_sha256", self.spki_sha256, Condition::Spki)?,
            self.uid.map(Condition::Uid),
        ];
        Ok(all.into_iter().flatten().collect())
    }

    /// Somebody of whom exactly that is true.
    pub(super) fn principal(self, number: usize) -> Result<Principal, PolicyError> {
        if !self.roles.is_empty() {
            return Err(PolicyError::BadCondition {
                binding: number,
                key: "roles",
            });
        }
        if self.uid.is_some() || self.gid.is_some() {
            return Ok(Principal::Unix(UnixPeer {
                uid: self.uid.unwrap_or(u32::MAX),
                gid: self.gid.unwrap_or(u32::MAX),
                pid: None,
                groups: Vec::new(),
            }));
        }
        let mut somebody = Certificate {
            common_name: String::new(),
            sans: Vec::new(),
            roles: Vec::new(),
            organization: Vec::new(),
            organizational_unit: Vec::new(),
            serial: String::new(),
            issuer: String::new(),
            spki_sha256: String::new(),
            not_after: SystemTime::UNIX_EPOCH,
        };
        for condition in self.conditions(number)? {
            match condition {
                Condition::Carried(role) => somebody.roles.push(role),
                Condition::CommonName(name) => somebody.common_name = name,
                Condition::Issuer(name) => somebody.issuer = name,
                Condition::Organization(name) => somebody.organization.push(name),
                Condition::OrganizationalUnit(name) => somebody.organizational_unit.push(name),
                Condition::San(name) => somebody.sans.push(name),
                Condition::Serial(serial) => somebody.serial = serial,
                Condition::Spki(hash) => somebody.spki_sha256 = hash,
                Condition::Loopback => {
                    let address = ([127, 0, 0, 1], 0).into();
                    return Ok(Principal::Loopback { address });
                }
                Condition::Gid(_) | Condition::Uid(_) => {}
            }
        }
        Ok(Principal::Certificate(Box::new(somebody)))
    }
}

impl Principal {
    /// Somebody of whom that is true: a common name, or `key=value` of `cn`, `ou`, `o`, `role`, `san`,
    /// `serial`, `spki`, `issuer`, `uid` and `gid`, several with commas. For asking what a policy
    /// says; it proves nothing and opens nothing.
    pub fn described(text: &str) -> Result<Self, PolicyError> {
        let mut who = WhoText::default();
        let bad = |value: &str| PolicyError::BadValue {
            role: "-".to_owned(),
            value: value.to_owned(),
            expected: "name, or cn=, ou=, o=, role=, san=, serial=, spki=, issuer=, uid= or gid=",
        };
        for part in text.split(',') {
            let (key, value) = part.split_once('=').unwrap_or(("cn", part));
            let text = Some(value.to_owned());
            let number = || value.parse().map(Some).map_err(|_range| bad(part));
            match key {
                "cn" | "common_name" => who.common_name = text,
                "ou" | "organizational_unit" => who.organizational_unit = text,
                "o" | "organization" => who.organization = text,
                "role" | "certificate_role" => who.certificate_role = text,
                "san" => who.san = text,
                "serial" => who.serial = text,
                "spki" | "spki_sha256" => who.spki_sha256 = text,
                "issuer" => who.issuer = text,
                "uid" => who.uid = number()?,
                "gid" => who.gid = number()?,
                _ => return Err(bad(part)),
            }
        }
        who.principal(0)
    }
}

/// Hex digits in lower case without colons, blanks and leading zeros, as identities carry them.
fn normal_hex(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    // A hash keeps its zeros, a serial number is a number.
    if digits.len() == 64 {
        return Some(digits);
    }
    Some(digits.trim_start_matches('0').to_owned())
}
