//! What answers at the address: who it is, whom it lets in, and whether both clocks agree.

use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ProtocolVersion};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::finding::Pen;
use super::world::World;
use crate::client::{Address, Client, ClientError, Endpoint, Plain, Seen, Site, TlsFiles};
use lockgate_pki::CertificateInfo;

/// Clocks further apart than this make certificates expire early or start late.
const SKEW_MAX: i64 = 60;

/// Checks the daemon behind an endpoint.
pub(super) async fn check(world: &World, endpoint: &Endpoint, pen: &mut Pen<'_>) {
    let mut seen = None;
    if let Address::Tcp { host, port, .. } = &endpoint.address {
        let site = Site { host, port: *port };
        match site.plain().await {
            Ok(plain) => seen = tcp(&site, plain, endpoint, pen).await,
            Err(error) => {
                pen.error(
                    "unreachable",
                    format!("nobody answers at {}: {error}", endpoint.url),
                    format!("ssh {host} 'systemctl status docker lockgated; ss -ltn'"),
                );
                return;
            }
        }
    }
    answer(world, endpoint, seen.as_ref(), pen).await;
}

/// What can be seen without proving who we are.
async fn tcp(
    site: &Site<'_>,
    plain: Plain,
    endpoint: &Endpoint,
    pen: &mut Pen<'_>,
) -> Option<Seen> {
    let url = &endpoint.url;
    if plain == Plain::Api {
        pen.error(
            "plaintext",
            format!("{url} answers without TLS: whoever reaches it is root there"),
            "lockgate ca quick pki && lockgate dockerd configure --host tcp://0.0.0.0:2376 --certs pki/server --yes   # on the daemon's machine",
        );
        if endpoint.tls.is_some() {
            pen.error(
                "no-tls",
                format!("TLS is asked for, and {url} has none"),
                "unset DOCKER_TLS_VERIFY DOCKER_TLS   # or the daemon's TLS port",
            );
        }
        return None;
    }
    let files = endpoint.tls.clone().unwrap_or_else(|| TlsFiles {
        skip_verify: true,
        ..TlsFiles::default()
    });
    let seen = match site.handshake(&files, &[&TLS13, &TLS12]).await {
        Ok(seen) => seen,
        Err(reason) => {
            pen.error(
                "no-handshake",
                format!("{url} speaks neither the API nor TLS: {reason}"),
                format!("openssl s_client -connect {}:{}", site.host, site.port),
            );
            return None;
        }
    };
    if endpoint.tls.is_none() {
        pen.error(
            "http-on-tls-port",
            format!("{url} speaks TLS, and TLS is not asked for"),
            "export DOCKER_TLS_VERIFY=1",
        );
    }
    certificate(site, &seen, pen);
    admission(url, &seen, pen);
    versions(site, &files, &seen, pen).await;
    Some(seen)
}

fn certificate(site: &Site<'_>, seen: &Seen, pen: &mut Pen<'_>) {
    let info = seen
        .chain
        .first()
        .and_then(|der| CertificateInfo::from_der(der).ok());
    let Some(info) = info else { return };
    let Some((why, trouble)) = &seen.verdict else {
        pen.ok(
            "certificate",
            format!(
                "its certificate is {} until {}",
                info.subject, info.not_after
            ),
        );
        return;
    };
    let host = site.host;
    let issue = format!(
        "lockgate cert server --san {host} --out DIR --force   # on the authority's machine, then the daemon's files"
    );
    let (id, fix) = match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "wrong-ca",
            format!(
                "scp {host}:/etc/docker/ca.pem ~/.docker/ca.pem   # the CA of {}",
                info.issuer
            ),
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let has_names = !info.alternative_names().is_empty();
            (if has_names { "missing-san" } else { "cn-only" }, issue)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "not-yet-valid",
            "timedatectl set-ntp true   # on both machines".to_owned(),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let is_leaf =
                info.not_after.unix_seconds() < lockgate_pki::Clock::System.now().unix_seconds();
            if is_leaf {
                ("expired", issue)
            } else {
                (
                    "ca-expired",
                    "lockgate ca quick pki   # a new authority; every certificate is issued anew"
                        .to_owned(),
                )
            }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("wrong-eku", issue)
        }
        _ => ("certificate-refused", issue),
    };
    pen.error(id, trouble.to_string(), fix);
}

fn admission(url: &str, seen: &Seen, pen: &mut Pen<'_>) {
    match &seen.wants {
        _ if seen.admitted => pen.error(
            "no-client-certificate",
            format!("{url} answers clients that prove nothing (`tls` without `tlsverify`): they are root there"),
            "lockgate dockerd configure --host tcp://0.0.0.0:2376 --yes   # on the daemon's machine; sets tlsverify",
        ),
        None => pen.warn(
            "no-certificate-request",
            format!("{url} asks for no client certificate"),
            "lockgate dockerd configure --host tcp://0.0.0.0:2376 --yes   # on the daemon's machine; sets tlsverify",
        ),
        Some(wants) => pen.ok("client-certificate", format!("it asks for a certificate of {}", listed(wants))),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "anybody".to_owned()
    } else {
        names.join(" or ")
    }
}

async fn versions(site: &Site<'_>, files: &TlsFiles, seen: &Seen, pen: &mut Pen<'_>) {
    if site.speaks_tls10().await {
        pen.error(
            "tls10",
            "it still speaks TLS 1.0, which is broken",
            "dockerd --version   # every dockerd since 18.09 and lockgated refuse it: upgrade, or look at the proxy before it",
        );
    }
    if seen.version == Some(ProtocolVersion::TLSv1_3) {
        pen.ok("tls", "it speaks TLS 1.3");
    } else if site.handshake(files, &[&TLS13]).await.is_err() {
        pen.warn(
            "tls12-only",
            "it speaks TLS 1.2 and not 1.3",
            "dockerd --version   # upgrade to 19.03 or later",
        );
    }
}

/// A real request, with our certificate.
async fn answer(world: &World, endpoint: &Endpoint, seen: Option<&Seen>, pen: &mut Pen<'_>) {
    let client = match Client::new(endpoint.clone(), std::collections::BTreeMap::new(), None) {
        Ok(client) => client,
        Err(reason) => {
            pen.error(
                "unusable-files",
                reason,
                "lockgate cert verify ~/.docker --purpose client",
            );
            return;
        }
    };
    match client.get("/version").send_raw().await {
        Ok(answer) if answer.status().is_success() => {
            let date = answer
                .headers()
                .get("date")
                .and_then(|date| date.to_str().ok());
            clocks(world, date.unwrap_or_default(), pen);
            pen.ok("answer", format!("{} answers us", endpoint.url));
        }
        Ok(answer) => pen.note(
            "answer",
            format!(
                "{} let us in and answers `GET /version` with {}",
                endpoint.url,
                answer.status()
            ),
        ),
        Err(ClientError::Tls { trouble, .. })
            if seen.is_some_and(|seen| seen.verdict.is_none()) =>
        {
            refused(endpoint, seen, &trouble.to_string(), pen);
        }
        Err(error) => failed(endpoint, seen, &error, pen),
    }
}

/// Its certificate is good, and ours was not.
fn refused(endpoint: &Endpoint, seen: Option<&Seen>, sentence: &str, pen: &mut Pen<'_>) {
    let ours = endpoint.tls.as_ref().and_then(|files| files.cert.as_ref());
    let ours = ours.and_then(|file| CertificateInfo::read(file).ok()?.into_iter().next());
    let wants = seen.and_then(|seen| seen.wants.clone()).unwrap_or_default();
    let fix = "lockgate cert client NAME --out ~/.docker --force   # with the authority that the daemon trusts";
    match ours {
        Some(ours) if !wants.is_empty() && !wants.contains(&ours.issuer) => pen.error(
            "our-ca-unknown",
            format!(
                "it takes certificates of {}, and ours is of {}",
                listed(&wants),
                ours.issuer
            ),
            fix,
        ),
        Some(_) | None => pen.error("refused", sentence.to_owned(), fix),
    }
}

fn failed(endpoint: &Endpoint, seen: Option<&Seen>, error: &ClientError, pen: &mut Pen<'_>) {
    match error {
        ClientError::Permission { path, .. } => pen.error(
            "permission",
            format!("{path} is not open to this account"),
            "sudo usermod -aG docker \"$USER\" && newgrp docker   # members of the group are root on this machine",
        ),
        ClientError::NotRunning { url } => pen.error(
            "not-running",
            format!("nobody listens on {url}"),
            format!("systemctl start {}", if url.contains("lockgate") { "lockgated" } else { "docker" }),
        ),
        // Said already, and better.
        ClientError::Tls { .. } | ClientError::Malformed { .. } | ClientError::Daemon { .. } if seen.is_some() => {}
        other => pen.error("no-answer", other.to_string(), format!("curl -v {}", endpoint.url.replace("tcp://", "https://"))),
    }
}

fn clocks(world: &World, date: &str, pen: &mut Pen<'_>) {
    let Ok(theirs) = OffsetDateTime::parse(date, &Rfc2822) else {
        return;
    };
    let skew = theirs.unix_timestamp() - world.clock.now().unix_seconds();
    if skew.abs() > SKEW_MAX {
        let side = if skew > 0 { "ahead of" } else { "behind" };
        pen.warn(
            "clock-skew",
            format!(
                "its clock is {} seconds {side} ours: certificates begin late and end early",
                skew.abs()
            ),
            "timedatectl set-ntp true   # on both machines",
        );
    } else {
        pen.ok("clock", "both clocks agree");
    }
}
