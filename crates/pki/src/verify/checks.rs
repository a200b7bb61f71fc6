//! The single checks. Each ends in one line, whatever it found.

use std::fs::File;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustls_pki_types::CertificateDer;

use super::{Check, CheckedSet, Fault, Purpose, Verdict, verify_path};
use crate::LEAF_DAYS_MAX;
use crate::authority::lacking;
use crate::certificate::{CertificateError, CertificateInfo, chain, read_file};
use crate::clock::DAY;
use crate::key::{KeyError, PrivateKey};
use crate::name::SubjectName;

type Finding = Result<String, Problem>;

struct Problem {
    verdict: Verdict,
    fault: Fault,
    text: String,
}

struct Loaded {
    chain: Vec<CertificateDer<'static>>,
    info: CertificateInfo,
}

pub(super) fn all(set: &CheckedSet) -> Vec<Check> {
    let (ca, leaf) = (load(&set.ca), load(&set.certificate));
    let now = set.clock.seconds();
    let mut checks = vec![
        check(
            "authority",
            ca.as_ref()
                .map_err(unreadable)
                .and_then(|ca| authority(ca, set, now)),
        ),
        check(
            "certificate",
            leaf.as_ref()
                .map_err(unreadable)
                .map(|leaf| leaf.info.subject.clone()),
        ),
    ];
    if let Ok(leaf) = &leaf {
        if let Ok(ca) = &ca {
            checks.push(check("chain", trusted(leaf, ca, set)));
        }
        checks.push(check("purpose", purpose(&leaf.info, set)));
        checks.push(check("dates", dates(&leaf.info, set, now)));
        checks.push(check("names", names(&leaf.info, set)));
    }
    if let Some(key) = &set.key {
        checks.push(check("key", matching_key(key, leaf.as_ref().ok(), set)));
    }
    checks.push(check("permissions", permissions(set)));
    checks
}

fn check(name: &'static str, finding: Finding) -> Check {
    let (verdict, fault, text) = match finding {
        Ok(text) => (Verdict::Passed, None, text),
        Err(problem) => (problem.verdict, Some(problem.fault), problem.text),
    };
    Check {
        name,
        verdict,
        fault,
        text,
    }
}

fn load(file: &Path) -> Result<Loaded, CertificateError> {
    let chain = chain(&read_file(file)?, file)?;
    let first = chain
        .first()
        .ok_or_else(|| CertificateError::None(file.to_owned()))?;
    let info = CertificateInfo::from_der_of(first, file)?;
    Ok(Loaded { chain, info })
}

fn unreadable(error: &CertificateError) -> Problem {
    let fault = match error {
        CertificateError::Key(_) => Fault::HoldsKey,
        CertificateError::Malformed { .. } | CertificateError::None(_) => Fault::NoCertificate,
        CertificateError::Unreadable { .. } => Fault::Unreadable,
    };
    failed(fault, error.to_string())
}

fn failed(fault: Fault, text: String) -> Problem {
    Problem {
        verdict: Verdict::Failed,
        fault,
        text,
    }
}

fn fail<T>(fault: Fault, text: String) -> Result<T, Problem> {
    Err(failed(fault, text))
}

fn warn<T>(fault: Fault, text: String) -> Result<T, Problem> {
    Err(Problem {
        verdict: Verdict::Warning,
        fault,
        text,
    })
}

fn authority(ca: &Loaded, set: &CheckedSet, now: i64) -> Finding {
    let (info, file) = (&ca.info, set.ca.display());
    if let Some(lacking) = lacking(info) {
        return fail(
            Fault::NotAnAuthority,
            format!("{file} is no authority ({lacking}): give the ca.pem it came with"),
        );
    }
    if now > info.not_after.unix_seconds() {
        return fail(
            Fault::AuthorityExpired,
            format!("{file} expired at {}: make a new authority", info.not_after),
        );
    }
    if now < info.not_before.unix_seconds() {
        let from = info.not_before;
        return fail(
            Fault::AuthorityNotYetValid,
            format!("{file} is valid only from {from} on: check this host's clock"),
        );
    }
    Ok(format!("{}, until {}", info.subject, info.not_after))
}

/// At a moment within the leaf's dates, which have a check of their own.
fn trusted(leaf: &Loaded, ca: &Loaded, set: &CheckedSet) -> Finding {
    let (from, until) = (&leaf.info.not_before, &leaf.info.not_after);
    let moment = set
        .clock
        .seconds()
        .min(until.unix_seconds())
        .max(from.unix_seconds());
    let (Some(certificate), intermediates) =
        (leaf.chain.first(), leaf.chain.get(1..).unwrap_or_default())
    else {
        return fail(
            Fault::NoCertificate,
            format!("{} holds no certificate", set.certificate.display()),
        );
    };
    // The purpose has a check of its own, too.
    let wanted = stated(&leaf.info);
    let mut last = String::new();
    for anchor in &ca.chain {
        match verify_path(certificate, intermediates, anchor, wanted, moment) {
            Ok(()) => return Ok(format!("issued by {}", leaf.info.issuer)),
            Err(error) => last = error.to_string(),
        }
    }
    let (certificate, ca) = (set.certificate.display(), set.ca.display());
    fail(
        Fault::UnknownIssuer,
        format!("{certificate} does not verify against {ca} ({last}): use the set's own ca.pem"),
    )
}

fn stated(info: &CertificateInfo) -> Purpose {
    if info.is_for_clients() && !info.is_for_servers() {
        Purpose::Client
    } else {
        Purpose::Server
    }
}

fn purpose(info: &CertificateInfo, set: &CheckedSet) -> Finding {
    let usages = info.extended_key_usage.join(", ");
    let file = set.certificate.display();
    if info.is_ca {
        return fail(
            Fault::AuthorityAsLeaf,
            format!(
                "{file} is an authority's own certificate: issue one for the {}",
                stated(info)
            ),
        );
    }
    let wanted = set.purpose.unwrap_or_else(|| stated(info));
    if !info
        .extended_key_usage
        .iter()
        .any(|usage| usage == wanted.usage())
    {
        let says = if usages.is_empty() {
            "no purpose"
        } else {
            &usages
        };
        return fail(
            Fault::WrongPurpose,
            format!(
                "{file} says {says}, not {}: issue a {wanted} certificate",
                wanted.usage()
            ),
        );
    }
    if info.is_for_clients() && info.is_for_servers() {
        return warn(
            Fault::BothPurposes,
            format!(
                "{file} is good for servers and clients: whoever takes it from the server can connect \
             as a client"
            ),
        );
    }
    Ok(usages)
}

fn dates(info: &CertificateInfo, set: &CheckedSet, now: i64) -> Finding {
    let (from, until) = (info.not_before, info.not_after);
    let file = set.certificate.display();
    if now > until.unix_seconds() {
        return fail(
            Fault::Expired,
            format!("{file} expired at {until}: issue a new one"),
        );
    }
    if now < from.unix_seconds() {
        return fail(
            Fault::NotYetValid,
            format!("{file} is valid only from {from} on: check this host's clock"),
        );
    }
    let left = (until.unix_seconds() - now) / DAY;
    let life = (until.unix_seconds() - from.unix_seconds()) / DAY;
    if left < EXPIRES_SOON {
        return warn(
            Fault::ExpiresSoon,
            format!("{file} expires in {left} days: issue a new one"),
        );
    }
    if life > i64::from(LEAF_DAYS_MAX) {
        return warn(
            Fault::LongLived,
            format!(
                "{file} is valid for {life} days, more than the {LEAF_DAYS_MAX} that are good practice"
            ),
        );
    }
    Ok(format!("until {until}, {left} days left"))
}

fn names(info: &CertificateInfo, set: &CheckedSet) -> Finding {
    let listed = info.alternative_names().join(", ");
    let file = set.certificate.display();
    let is_client = set.purpose.unwrap_or_else(|| stated(info)) == Purpose::Client;
    if let (true, true, Some(name)) = (listed.is_empty(), is_client, &info.common_name) {
        return Ok(format!("{name}, as common name"));
    }
    if listed.is_empty() {
        return fail(
            Fault::NoNames,
            format!(
                "{file} has no subject alternative name, and clients ignore the common name: issue a new one"
            ),
        );
    }
    for host in &set.hosts {
        if !holds(info, host) {
            return fail(
                Fault::WrongName,
                format!(
                    "{file} is not valid for {host} (it holds {listed}): issue one with --san {host}"
                ),
            );
        }
    }
    Ok(listed)
}

fn holds(info: &CertificateInfo, host: &SubjectName) -> bool {
    match host {
        SubjectName::Dns(host) => info.dns_names.iter().any(|name| matches_host(name, host)),
        SubjectName::Ip(address) => info.ip_addresses.iter().any(|ip: &IpAddr| ip == address),
    }
}

/// A wildcard, which others issue, stands for one whole label on the left.
fn matches_host(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(host),
    }
}

fn matching_key(file: &Path, leaf: Option<&Loaded>, set: &CheckedSet) -> Finding {
    let key = PrivateKey::read(file, None).map_err(|error| unusable_key(&error))?;
    let Some(leaf) = leaf else {
        return Ok("readable".to_owned());
    };
    if key.public_key().sha256() != leaf.info.spki_sha256 {
        let (key, certificate) = (file.display(), set.certificate.display());
        return fail(
            Fault::KeyMismatch,
            format!("{key} does not belong to {certificate}: use the two files of one set"),
        );
    }
    Ok(format!(
        "{}, belongs to the certificate",
        leaf.info.key_algorithm
    ))
}

fn unusable_key(error: &KeyError) -> Problem {
    let fault = match error {
        KeyError::Encrypted(_)
        | KeyError::Legacy { .. }
        | KeyError::UnsupportedCipher { .. }
        | KeyError::WrongPassphrase(_) => Fault::KeyEncrypted,
        KeyError::NoKey(_) => Fault::NoKey,
        KeyError::Open { .. } => Fault::KeyOpen,
        KeyError::Unreadable { .. } => Fault::Unreadable,
        KeyError::Library(_) | KeyError::Unsupported(_) => Fault::KeyUnsupported,
    };
    failed(fault, error.to_string())
}

/// A certificate that others can replace is as bad as a key that they can read.
fn permissions(set: &CheckedSet) -> Finding {
    for file in [&set.ca, &set.certificate] {
        let Ok(metadata) = File::open(file).and_then(|file| file.metadata()) else {
            continue;
        };
        if metadata.mode() & 0o022 != 0 {
            let (mode, file) = (metadata.mode() & 0o7777, file.display());
            return fail(
                Fault::WritableByOthers,
                format!(
                    "{file} can be changed by others (mode {mode:04o}): run `chmod 0444 {file}`"
                ),
            );
        }
    }
    Ok("only the owner can change the files".to_owned())
}

/// Days before the end from which on a warning is given.
const EXPIRES_SOON: i64 = 14;
