//! Who comes in at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose as Purpose};
use rustls::ClientConfig;
use rustls::client::{ClientSessionMemoryCache, ResolvesClientCert, Resumption};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;

use super::hello;
use crate::authority::{Authority, Pair};
use crate::case::{Case, Run, Verdict};
use crate::runner::{PRIVILEGED, fresh, privileged};
use crate::target::{Endpoint, Who};
use crate::wire::Wire;

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    Case { id: "CVE-2018-12608", title: "a client of another authority, such as a public one", sends: "a certificate for `admin` by an authority of our own making", run: Run::Call(|e| forged(e, &Authority::new("attack authority")?.client("admin")?)) },
    Case { id: "CVE-2018-12608-names", title: "authorities of others named to clients", sends: "a handshake that looks at the list of authorities", run: Run::Call(names) },
    Case { id: "tls-no-certificate", title: "nobody", sends: "a handshake without a certificate", run: Run::Call(|e| Ok(out(e, e.bare(rustls::ALL_VERSIONS)?))) },
    Case { id: "CVE-2025-68121", title: "a session resumed after its certificate was revoked", sends: "TLS 1.3: two connections, the second with the tickets of the first", run: Run::Call(|e| resumed(e, &rustls::version::TLS13)) },
    Case { id: "CVE-2025-23419", title: "the same by session id or ticket of TLS 1.2", sends: "the same with TLS 1.2", run: Run::Call(|e| resumed(e, &rustls::version::TLS12)) },
    Case { id: "tls-early-data", title: "a request replayed from the first flight", sends: "TLS 1.3 early data, as far as tickets allow it", run: Run::Call(early) },
    Case { id: "eku-server", title: "a server's certificate as a client's", sends: "a certificate of the right authority for serverAuth alone", run: Run::Call(|e| signed(e, "admin", |p| p.extended_key_usages = vec![Purpose::ServerAuth])) },
    Case { id: "eku-authority", title: "the authority's own certificate as a client's", sends: "CN=admin with basicConstraints CA:TRUE", run: Run::Call(|e| signed(e, "admin", |p| { p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained); })) },
    Case { id: "certificate-expired", title: "a certificate after its time", sends: "CN=admin, ended an hour ago", run: Run::Call(|e| signed(e, "admin", |p| { client(p); p.not_before = OffsetDateTime::now_utc() - time::Duration::days(9); p.not_after = OffsetDateTime::now_utc() - time::Duration::HOUR; })) },
    Case { id: "certificate-future", title: "a certificate before its time", sends: "CN=admin, begins tomorrow", run: Run::Call(|e| signed(e, "admin", |p| { client(p); p.not_before = OffsetDateTime::now_utc() + time::Duration::DAY; })) },
    Case { id: "certificate-extension", title: "a critical extension that is not understood", sends: "CN=admin with one", run: Run::Call(|e| signed(e, "admin", |p| { client(p); p.custom_extensions.push(unknown()); })) },
    Case { id: "certificate-name", title: "a name that is another's but for what is not seen", sends: "CN=`admin\\n`, `admin` and a right-to-left mark", run: Run::Call(odd_names) },
    Case { id: "identity-headers", title: "somebody else by field", sends: "create as viewer with `X-Forwarded-Client-Cert`, `X-Authz-User`, `X-Remote-User` of admin", run: Run::Call(headers) },
    Case { id: "RUSTSEC-2026-0049", title: "revocation lists with several distribution points", sends: "-", run: Run::Tests("pki: a_list_for_a_part_of_the_certificates_is_refused_however_many_points_it_names") },
    Case { id: "GHSA-82j2-j2ch-gfr8", title: "a panic while a revocation list is read", sends: "-", run: Run::Tests("pki: no_octets_make_the_reader_panic; gate: a_list_that_is_broken_stale_or_of_somebody_else_leaves_the_last_good_one") },
    Case { id: "RUSTSEC-2026-0098", title: "name constraints on URIs and wildcards", sends: "-", run: Run::Tests("pki: names_outside_are_not_issued, the_extension_is_critical_and_openssl_agrees") },
    Case { id: "crl-defaults", title: "revocation lists that expired, are missing, or another's", sends: "-", run: Run::Tests("pki: standing_is_good_revoked_stale_or_unknown; gate: beyond_its_hard_limit_a_list_lets_nobody_in…, a_revoked_client_is_cut_off_and_stays_out") },
    Case { id: "key-profile", title: "weak keys, old hashes, odd serials, leaves beyond their authority", sends: "-", run: Run::Tests("pki: profile::*, keys_that_are_too_weak_or_of_another_kind; gate: a_certificate_of_100_kilobytes_is_refused") },
    Case { id: "file-handling", title: "keys that others can read, files swapped while they are read", sends: "-", run: Run::Tests("gate: bad_files_are_refused_with_the_remedy, a_bad_reload_keeps_the_last_good_files") },
    Case { id: "RUSTSEC-2024-0336", title: "a handshake that never ends by ending at once", sends: "close_notify behind a ClientHello, then whether others are served", run: Run::Call(|e| survives(e, &[hello::modern(), hello::CLOSE_NOTIFY.to_vec()].concat())) },
    Case { id: "CVE-2024-11738", title: "a handshake in fragments that makes the server panic", sends: "a ClientHello in records of one byte, an empty one between", run: Run::Call(|e| survives(e, &hello::fragments())) },
    Case { id: "downgrade-tls10", title: "TLS 1.0", sends: "a ClientHello of TLS 1.0", run: Run::Call(|e| old(e, &hello::old())) },
    Case { id: "downgrade-http", title: "HTTP on the TLS port", sends: "`GET /containers/json` without TLS", run: Run::Call(|e| plain(e, "GET /containers/json HTTP/1.1\r\nHost: e\r\n\r\n")) },
    Case { id: "alpn-h2", title: "HTTP/2 by ALPN", sends: "a handshake that offers `h2` alone", run: Run::Call(alpn) },
    Case { id: "CVE-2025-9074", title: "a web page, or a container, at a port without proof of identity", sends: "a POST as a browser sends it, without TLS", run: Run::Call(|e| plain(e, "POST /containers/create HTTP/1.1\r\nHost: e\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n{\"Image\":\"busybox\"}")) },
    Case { id: "moby-36357", title: "a web page in a browser that has a client certificate", sends: "create with `Origin` and `Sec-Fetch-Site` as admin", run: Run::Call(browser) },
    Case { id: "dos-slow-handshake", title: "connections that never begin", sends: "nothing for twenty seconds", run: Run::Slow(slow_handshake) },
    Case { id: "dos-slow-head", title: "a request head without an end (slowloris)", sends: "a field every second for twenty seconds", run: Run::Slow(slow_head) },
    Case { id: "dos-huge-head", title: "a head that fills the memory", sends: "2 MiB of fields", run: Run::Call(huge_head) },
    Case { id: "dos-half-open", title: "places taken by who never comes in", sends: "200 connections without a handshake, then whether others are served", run: Run::Call(half_open) },
    Case { id: "dos-caps", title: "all places taken by one address or identity", sends: "-", run: Run::Tests("gate: the_caps_keep_room_for_the_machines_own_administrator, half_open_handshakes_have_a_cap_of_their_own, one_identity_cannot_take_all_places") },
];

fn client(params: &mut CertificateParams) {
    params.extended_key_usages = vec![Purpose::ClientAuth];
}

fn unknown() -> rcgen::CustomExtension {
    let mut extension =
        rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
    extension.set_criticality(true);
    extension
}

/// Whether a client with these settings is served; TLS 1.3 refuses certificates after the handshake.
fn served(endpoint: &Endpoint, config: ClientConfig) -> Option<u16> {
    let mut wire = Wire::tls(endpoint.address, Arc::new(config)).ok()?;
    wire.send("GET /containers/json HTTP/1.1\r\nHost: e\r\n\r\n");
    let answer = wire.answer(false);
    answer.is_success().then_some(answer.status)
}

fn out(endpoint: &Endpoint, config: ClientConfig) -> Verdict {
    let refused = Verdict::refused("in the handshake");
    served(endpoint, config).map_or(refused, |status| {
        Verdict::leaked(format!("served: {status}"))
    })
}

fn forged(endpoint: &Endpoint, pair: &Pair) -> Result<Verdict> {
    Ok(out(endpoint, endpoint.with(pair, rustls::ALL_VERSIONS)?))
}

fn signed(endpoint: &Endpoint, name: &str, change: fn(&mut CertificateParams)) -> Result<Verdict> {
    match &endpoint.authority {
        Some(authority) => forged(endpoint, &authority.sign(name, change)?),
        None => Ok(Verdict::Skipped("ca-key.pem is not there".to_owned())),
    }
}

fn odd_names(endpoint: &Endpoint) -> Result<Verdict> {
    for name in ["admin\n", "admin\u{202e}", "", "admin\\0"] {
        let verdict = signed(endpoint, name, client)?;
        if !matches!(verdict, Verdict::Refused(_)) {
            return Ok(verdict);
        }
    }
    Ok(Verdict::refused("no role, or in the handshake"))
}

fn headers(endpoint: &Endpoint) -> Result<Verdict> {
    let name = fresh();
    let length = PRIVILEGED.len();
    let mut wire = endpoint.connect(Who::Viewer)?;
    wire.send(format!(
        "POST /containers/create?name={name} HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         X-Forwarded-Client-Cert: Subject=\"CN=admin\"\r\nX-Authz-User: admin\r\nX-Remote-User: admin\r\nX-SSL-Client-S-DN: CN=admin\r\n\r\n{PRIVILEGED}"
    ));
    let answer = wire.answer(false);
    privileged(endpoint, &name, &answer.summary())
}

fn resumed(
    endpoint: &Endpoint,
    version: &'static rustls::SupportedProtocolVersion,
) -> Result<Verdict> {
    let mut config = endpoint.with(&endpoint.pair(Who::Viewer)?, &[version])?;
    config.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
    let config = Arc::new(config);
    let shake = || -> Result<Option<rustls::HandshakeKind>> {
        Wire::handshake_kind(endpoint.address, Arc::clone(&config))
    };
    Ok(match (shake(), shake()) {
        (Err(_), _) | (_, Err(_)) => Verdict::refused("the version is not spoken"),
        (_, Ok(Some(rustls::HandshakeKind::Resumed))) => {
            Verdict::leaked("resumed: the certificate is not looked at again")
        }
        _ => Verdict::refused("a full handshake each time"),
    })
}

fn early(endpoint: &Endpoint) -> Result<Verdict> {
    let mut config = endpoint.with(&endpoint.pair(Who::Viewer)?, &[&rustls::version::TLS13])?;
    config.enable_early_data = true;
    let config = Arc::new(config);
    Wire::handshake_kind(endpoint.address, Arc::clone(&config))?;
    let name = rustls::pki_types::ServerName::IpAddress(endpoint.address.ip().into());
    let mut second = rustls::ClientConnection::new(config, name)?;
    Ok(if second.early_data().is_some() {
        Verdict::leaked("the server takes early data")
    } else {
        Verdict::refused("no early data")
    })
}

/// Keeps what the server says of its authorities.
#[derive(Debug, Default)]
struct Listener(Mutex<Vec<Vec<u8>>>);

impl ResolvesClientCert for Listener {
    fn resolve(
        &self,
        hints: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let hints = hints.iter().map(|hint| hint.to_vec()).collect();
        if let Ok(mut kept) = self.0.lock() {
            *kept = hints;
        }
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn names(endpoint: &Endpoint) -> Result<Verdict> {
    let listener = Arc::new(Listener::default());
    let config = endpoint
        .builder(rustls::ALL_VERSIONS)?
        .with_client_cert_resolver(Arc::clone(&listener) as Arc<dyn ResolvesClientCert>);
    drop(Wire::tls(endpoint.address, Arc::new(config)));
    let count = listener.0.lock().map(|kept| kept.len()).unwrap_or_default();
    Ok(match count {
        1 => Verdict::refused("one authority is named"),
        _ => Verdict::leaked(format!("{count} authorities are named")),
    })
}

/// Whether others are served after this.
fn survives(endpoint: &Endpoint, bytes: &[u8]) -> Result<Verdict> {
    let mut wire = Wire::plain(endpoint.address)?;
    wire.send(bytes);
    drop(wire.rest(Duration::from_millis(500))?);
    let answer = endpoint.ask(Who::Viewer, "GET", "/containers/json", None)?;
    Ok(if answer.is_success() {
        Verdict::refused("others are served")
    } else {
        Verdict::leaked(format!("others get {}", answer.summary()))
    })
}

/// A server that goes on says ServerHello (22); one that does not says an alert (21), or nothing.
fn old(endpoint: &Endpoint, bytes: &[u8]) -> Result<Verdict> {
    let mut wire = Wire::plain(endpoint.address)?;
    wire.send(bytes);
    let said = wire.rest(Duration::from_secs(2))?;
    Ok(match said.first() {
        Some(22) => Verdict::leaked("the handshake goes on"),
        Some(21) => Verdict::refused("an alert"),
        _ => Verdict::refused("connection closed"),
    })
}

fn plain(endpoint: &Endpoint, request: &str) -> Result<Verdict> {
    let mut wire = Wire::plain(endpoint.address)?;
    wire.send(request);
    let answer = wire.answer(false);
    Ok(if answer.is_success() {
        Verdict::leaked(answer.summary())
    } else {
        Verdict::refused(answer.summary())
    })
}

fn alpn(endpoint: &Endpoint) -> Result<Verdict> {
    let mut config = endpoint.with(&endpoint.pair(Who::Operator)?, rustls::ALL_VERSIONS)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(match Wire::negotiated(endpoint.address, Arc::new(config)) {
        Ok(Some(protocol)) if protocol == b"h2" => Verdict::leaked("h2 is spoken"),
        Ok(_) => Verdict::refused("h2 is not chosen"),
        Err(_) => Verdict::refused("in the handshake"),
    })
}

fn browser(endpoint: &Endpoint) -> Result<Verdict> {
    let name = fresh();
    let length = PRIVILEGED.len();
    let mut wire = endpoint.connect(Who::Admin)?;
    wire.send(format!(
        "POST /containers/create?name={name} HTTP/1.1\r\nHost: e\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{PRIVILEGED}"
    ));
    let answer = wire.answer(false);
    privileged(endpoint, &name, &answer.summary())
}

fn slow_handshake(endpoint: &Endpoint) -> Result<Verdict> {
    let mut wire = Wire::plain(endpoint.address)?;
    Ok(if wire.is_closed_within(Duration::from_secs(20))? {
        Verdict::refused("cut off")
    } else {
        Verdict::leaked("still open after twenty seconds")
    })
}

fn slow_head(endpoint: &Endpoint) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Viewer)?;
    wire.send("GET /containers/json HTTP/1.1\r\n");
    for number in 0..20 {
        wire.send(format!("X-{number}: a\r\n"));
        if wire.is_closed_within(Duration::from_secs(1))? {
            return Ok(Verdict::refused("cut off"));
        }
    }
    Ok(Verdict::leaked("still read after twenty seconds"))
}

fn huge_head(endpoint: &Endpoint) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Viewer)?;
    let field = format!("X-Field: {}\r\n", "a".repeat(32 * 1024));
    let fields = field.repeat(64);
    wire.send(format!(
        "GET /containers/json HTTP/1.1\r\nHost: e\r\n{fields}\r\n"
    ));
    let answer = wire.answer(false);
    Ok(if answer.is_success() {
        Verdict::leaked(answer.summary())
    } else {
        Verdict::refused(answer.summary())
    })
}

fn half_open(endpoint: &Endpoint) -> Result<Verdict> {
    let open: Result<Vec<Wire>> = (0..200).map(|_| Wire::plain(endpoint.address)).collect();
    let open = open.context("200 connections")?;
    let answer = endpoint.ask(Who::Viewer, "GET", "/containers/json", None)?;
    drop(open);
    Ok(if answer.is_success() {
        Verdict::refused("others are served")
    } else {
        Verdict::leaked(format!("others get {}", answer.summary()))
    })
}
