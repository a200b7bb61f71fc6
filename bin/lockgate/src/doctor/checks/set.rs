//! A set of ca.pem, cert.pem and key.pem: pki judges, here is what to do about it.

use std::path::Path;

use lockgate_pki::{CertificateInfo, CheckedSet, Fault, Purpose, Verdict, verify_set};

use crate::doctor::finding::{Pen, Severity};

/// What the set is for, in the commands that mend it.
#[derive(Debug)]
pub(super) struct Use<'u> {
    /// The name of a client, the names of a server.
    pub(super) names: &'u [String],
    /// Whether the peer may trust another authority than `ca.pem` names.
    pub(super) other_authority_may_be_meant: bool,
}

/// Checks a set, one finding for each fault.
pub(super) fn check(set: &CheckedSet, usage: &Use<'_>, pen: &mut Pen<'_>) {
    if let Some(key) = &set.key
        && are_swapped(&set.certificate, key)
    {
        let (certificate, key) = (set.certificate.display(), key.display());
        pen.error(
            "swapped-files",
            format!("{certificate} holds the key and {key} the certificate"),
            format!("mv {certificate} {certificate}.swap && mv {key} {certificate} && mv {certificate}.swap {key} && chmod 0400 {key}"),
        );
        return;
    }
    let report = verify_set(set);
    for check in &report.checks {
        let Some(fault) = check.fault else { continue };
        let own_issuer = fault == Fault::UnknownIssuer && usage.other_authority_may_be_meant;
        let severity = match check.verdict {
            Verdict::Failed if own_issuer => Severity::Warning,
            Verdict::Failed => Severity::Error,
            Verdict::Warning => Severity::Warning,
            Verdict::Passed => Severity::Ok,
        };
        pen.put(
            severity,
            id(fault),
            &check.text,
            Some(&remedy(fault, set, usage)),
        );
    }
    if report.is_good() {
        let certificate = set.certificate.display();
        pen.ok(
            "certificate",
            format!("{certificate} is good for a {}", purpose(set)),
        );
    }
}

fn purpose(set: &CheckedSet) -> Purpose {
    set.purpose.unwrap_or(Purpose::Client)
}

fn are_swapped(certificate: &Path, key: &Path) -> bool {
    let is_key = matches!(
        CertificateInfo::read(certificate),
        Err(lockgate_pki::CertificateError::Key(_))
    );
    is_key && CertificateInfo::read(key).is_ok()
}

fn id(fault: Fault) -> &'static str {
    match fault {
        Fault::AuthorityAsLeaf => "ca-as-certificate",
        Fault::AuthorityExpired => "ca-expired",
        Fault::AuthorityNotYetValid => "ca-not-yet-valid",
        Fault::BothPurposes => "both-purposes",
        Fault::Expired => "expired",
        Fault::ExpiresSoon => "expires-soon",
        Fault::HoldsKey => "key-as-certificate",
        Fault::KeyEncrypted => "key-encrypted",
        Fault::KeyMismatch => "key-mismatch",
        Fault::KeyOpen => "key-readable-by-others",
        Fault::KeyUnsupported => "key-unsupported",
        Fault::LongLived => "long-lived",
        Fault::NoCertificate => "no-certificate",
        Fault::NoKey => "no-key",
        Fault::NoNames => "cn-only",
        Fault::NotAnAuthority => "not-a-ca",
        Fault::NotYetValid => "not-yet-valid",
        Fault::UnknownIssuer => "wrong-ca",
        Fault::Unreadable => "unreadable",
        Fault::WritableByOthers => "writable-by-others",
        Fault::WrongName => "missing-san",
        Fault::WrongPurpose => "wrong-eku",
    }
}

/// One command. It issues with the authority of `lockgate ca`; with another one, `--ca-cert` and
/// `--ca-key` name it.
fn remedy(fault: Fault, set: &CheckedSet, usage: &Use<'_>) -> String {
    let certificate = set.certificate.display();
    let key = set.key.as_deref().unwrap_or(&set.certificate).display();
    let ca = set.ca.display();
    match fault {
        Fault::KeyOpen => format!("chmod 0400 {key}"),
        Fault::WritableByOthers => format!("chmod 0444 {ca} {certificate}"),
        Fault::AuthorityExpired => {
            "lockgate ca quick pki   # a new authority; every certificate is issued anew".to_owned()
        }
        Fault::AuthorityNotYetValid | Fault::NotYetValid => "timedatectl set-ntp true".to_owned(),
        Fault::KeyEncrypted => format!(
            "openssl pkey -in {key} -out {key}.plain && chmod 0400 {key}.plain && mv {key}.plain {key}"
        ),
        Fault::NotAnAuthority => {
            format!("lockgate cert show {ca}   # then put the authority's own certificate there")
        }
        Fault::UnknownIssuer => format!(
            "lockgate cert show {certificate} {ca}   # then put the issuer's certificate into {ca}"
        ),
        Fault::Unreadable => format!("ls -l {ca} {certificate} {key}"),
        Fault::AuthorityAsLeaf
        | Fault::BothPurposes
        | Fault::Expired
        | Fault::ExpiresSoon
        | Fault::HoldsKey
        | Fault::KeyMismatch
        | Fault::KeyUnsupported
        | Fault::LongLived
        | Fault::NoCertificate
        | Fault::NoKey
        | Fault::NoNames
        | Fault::WrongName
        | Fault::WrongPurpose => issue(set, usage),
    }
}

fn issue(set: &CheckedSet, usage: &Use<'_>) -> String {
    let folder = set.certificate.parent().unwrap_or_else(|| Path::new("."));
    let folder = folder.display();
    match purpose(set) {
        Purpose::Client => {
            let name = usage.names.first().map_or("NAME", String::as_str);
            format!("lockgate cert client {name} --out {folder} --force")
        }
        Purpose::Server => {
            let names = usage.names.iter().map(|name| format!(" --san {name}"));
            format!(
                "lockgate cert server{} --out {folder} --force",
                names.collect::<String>()
            )
        }
    }
}
