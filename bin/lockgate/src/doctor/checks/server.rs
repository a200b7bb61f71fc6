//! The daemon's own certificate, what it trusts, and what it does not trust any more.

use std::path::{Path, PathBuf};

use lockgate_pki::{CertificateInfo, CheckedSet, Purpose, SubjectName, detect_names};
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::set::{self, Use};
use crate::client::parse_host;
use crate::doctor::daemon::{Daemon, Kind};
use crate::doctor::finding::Pen;
use crate::doctor::world::World;

/// Checks the files behind `tlsverify` (or `tls`).
pub(crate) fn check(world: &World, daemon: &Daemon, asked: Option<&str>, pen: &mut Pen<'_>) {
    let settings = &daemon.settings;
    if !settings.is_on("tlsverify") && !settings.is_on("tls") {
        return;
    }
    let names = names_in_use(daemon, asked);
    let set = CheckedSet {
        ca: daemon.tls_file(world, "tlscacert", "ca.pem"),
        certificate: daemon.tls_file(world, "tlscert", "cert.pem"),
        key: Some(daemon.tls_file(world, "tlskey", "key.pem")),
        purpose: Some(Purpose::Server),
        hosts: names.iter().filter_map(|name| name.parse().ok()).collect(),
        clock: world.clock,
    };
    let usage = Use {
        names: &names,
        // `tlscacert` judges clients; another authority may vouch for the server.
        other_authority_may_be_meant: true,
    };
    set::check(&set, &usage, pen);
    if world.is_live() {
        other_addresses(&set.certificate, pen);
    }
    if let Some(crl) = settings.text("tls-crl") {
        revocation_list(world, &world.path(crl), pen);
    }
    policy(world, daemon, pen);
}

/// Addresses that are bound by name, and the name that the user connects by.
fn names_in_use(daemon: &Daemon, asked: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = asked.map(str::to_owned).into_iter().collect();
    for address in daemon.tcp() {
        let Ok((_, crate::client::Address::Tcp { host, .. })) =
            parse_host(&format!("tcp://{address}"), true)
        else {
            continue;
        };
        let is_everywhere = matches!(host.as_str(), "0.0.0.0" | "::" | "localhost");
        if !is_everywhere && !names.contains(&host) {
            names.push(host);
        }
    }
    names
}

/// Names and addresses of this host that the certificate lacks: a client may come by any of them.
fn other_addresses(certificate: &Path, pen: &mut Pen<'_>) {
    let Some(info) = CertificateInfo::read(certificate)
        .ok()
        .and_then(|chain| chain.into_iter().next())
    else {
        return;
    };
    let lacking: Vec<String> = detect_names()
        .names
        .into_iter()
        .filter_map(|name| match name {
            SubjectName::Dns(name) => (!info
                .dns_names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&name)))
            .then_some(name),
            SubjectName::Ip(ip) => (!info.ip_addresses.contains(&ip)).then(|| ip.to_string()),
        })
        .collect();
    if !lacking.is_empty() && !info.alternative_names().is_empty() {
        let lacking = lacking.join(", ");
        pen.note(
            "other-addresses",
            format!("clients cannot come by these names of this host: {lacking}"),
        );
    }
}

fn revocation_list(world: &World, file: &PathBuf, pen: &mut Pen<'_>) {
    let shown = file.display();
    let fix = "lockgate ca crl".to_owned();
    let Ok(bytes) = std::fs::read(file) else {
        pen.error(
            "crl-unreadable",
            format!("the revocation list {shown} cannot be read"),
            fix,
        );
        return;
    };
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    let lists = lists.unwrap_or_default();
    let ends: Vec<i64> = lists
        .iter()
        .filter_map(|der| CertificateRevocationList::from_der(der).ok())
        .map(|(_, list)| list.next_update().map_or(i64::MAX, |end| end.timestamp()))
        .collect();
    match ends.iter().min() {
        Some(end) if ends.len() == lists.len() => {
            if *end < world.clock.now().unix_seconds() {
                pen.error(
                    "crl-expired",
                    format!("the revocation list {shown} is out of date: nobody is let in"),
                    fix,
                );
            } else {
                pen.ok("crl", format!("{shown} is current"));
            }
        }
        Some(_) | None => {
            pen.error(
                "crl-malformed",
                format!("{shown} holds no revocation list in PEM form"),
                fix,
            );
        }
    }
}

/// Without a policy every certificate is root.
fn policy(world: &World, daemon: &Daemon, pen: &mut Pen<'_>) {
    if daemon.kind != Kind::Lockgated {
        return;
    }
    let beside = daemon
        .path
        .parent()
        .unwrap_or_else(|| Path::new("/"))
        .join("policy.toml");
    let file = daemon
        .settings
        .text("policy")
        .map_or(beside, |path| world.path(path));
    if !file.exists() {
        let file = file.display();
        pen.warn(
            "no-policy",
            format!("there is no {file}: every valid client certificate is root on this machine"),
            format!("editor {file}   # docs/reference/policy.md"),
        );
    }
}
