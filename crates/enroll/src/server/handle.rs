//! The answers.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use lockgate_pki::{
    CertificateInfo, CertificateRequest, Invited, JournalEntry, Profile, RedeemError, Validity,
};
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state::{Opened, State};
use crate::binding::{self, Exported};
use crate::wire::{Granted, JoinMessage, Problem, RenewMessage, Seen};

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    pub(super) exported: Exported,
    /// The certificate that was proved and what leads to its root, if any was shown.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) info: Option<CertificateInfo>,
}

/// Why an answer is no.
struct No {
    status: StatusCode,
    reason: &'static str,
    message: String,
}

type Answer = Response<Full<Bytes>>;

/// Answers one request; never fails.
pub(super) async fn handle(
    state: Arc<State>,
    caller: Arc<Caller>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let what = format!("{} {}", request.method(), request.uri().path());
    let answer = route(&state, &caller, request).await;
    Ok(answer.unwrap_or_else(|no| {
        tracing::warn!(peer = %caller.address, what, reason = no.reason, "authority: refused");
        note(
            &state,
            &caller,
            "refused",
            "",
            &format!("{what}: {}", no.reason),
        );
        let Ok(body) = serde_json::to_vec(&Problem {
            reason: no.reason.to_owned(),
            message: no.message,
        }) else {
            return Response::new(Full::default());
        };
        respond(no.status, body)
    }))
}

async fn route(
    state: &Arc<State>,
    caller: &Arc<Caller>,
    request: Request<Incoming>,
) -> Result<Answer, No> {
    let path = request.uri().path().to_owned();
    note_caller(state, caller);
    match (request.method(), path.as_str()) {
        (&Method::GET, "/v1/trust") => trust(state, request.uri().query().unwrap_or("")).await,
        (&Method::POST, "/v1/join") => {
            let message = read(request).await?;
            blocking(state, caller, move |state, caller| {
                join(state, caller, &message)
            })
            .await
        }
        (&Method::POST, "/v1/renew") => {
            let message = read(request).await?;
            blocking(state, caller, move |state, caller| {
                renew(state, caller, &message)
            })
            .await
        }
        (&Method::POST, "/v1/seen") => {
            let seen: Vec<Seen> = read(request).await?;
            note_seen(state, caller, seen)
        }
        _ => Err(no(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing here",
        )),
    }
}

/// Signing and the disk are not for the threads that serve.
async fn blocking(
    state: &Arc<State>,
    caller: &Arc<Caller>,
    work: impl FnOnce(&State, &Caller) -> Result<Answer, No> + Send + 'static,
) -> Result<Answer, No> {
    let (state, caller) = (Arc::clone(state), Arc::clone(caller));
    tokio::task::spawn_blocking(move || work(&state, &caller))
        .await
        .unwrap_or_else(|_panicked| Err(internal("the authority failed; see its log")))
}

/// Waits for news as long as the caller wants to.
async fn trust(state: &Arc<State>, query: &str) -> Result<Answer, No> {
    let value = |key: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    let known = value("tag").unwrap_or("").to_owned();
    let wait = value("wait")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0_u64);
    let mut news = state.news();
    let wait = Duration::from_secs(wait.min(WAIT_MAX));
    let changed = news.wait_for(|tag| *tag != known);
    if !matches!(tokio::time::timeout(wait, changed).await, Ok(Ok(_))) && !known.is_empty() {
        return Ok(respond(StatusCode::NO_CONTENT, Vec::new()));
    }
    json(&state.opened().trust)
}

fn join(state: &State, caller: &Caller, message: &JoinMessage) -> Result<Answer, No> {
    let now = Instant::now();
    if !state.limiter.allows(caller.address, now) {
        let text = "too many wrong invitations from this address: wait a minute, then try again";
        return Err(no(StatusCode::TOO_MANY_REQUESTS, "too_many", text));
    }
    // Before the invitation is used up: a request that cannot be signed does not cost it.
    let request = CertificateRequest::from_der(&message.request.0)
        .map_err(|error| no(StatusCode::BAD_REQUEST, "bad_request", &error.to_string()))?;
    let proof = binding::message(&caller.exported, &message.id, &message.request.0);
    let redeemed = state.directory().redeem(
        &message.id,
        &message.public_key.0,
        &message.signature.0,
        &proof,
        state.now(),
    );
    let invite = redeemed.map_err(|error| {
        state.limiter.refused(caller.address, now);
        of_redeem(&error)
    })?;
    let profile = invite
        .invited
        .profile()
        .map_err(|error| internal(&error.to_string()))?;
    let hosts = match &invite.invited {
        Invited::Client { hosts, .. } => hosts.clone(),
        Invited::Server { .. } => Vec::new(),
    };
    issue(state, caller, &request, &profile, hosts, "joined")
}

fn renew(state: &State, caller: &Caller, message: &RenewMessage) -> Result<Answer, No> {
    let info = certified(caller)?;
    refuse_revoked(&state.opened(), caller)?;
    let request = CertificateRequest::from_der(&message.request.0)
        .map_err(|error| no(StatusCode::BAD_REQUEST, "bad_request", &error.to_string()))?;
    let profile = Profile::again(info).map_err(|error| {
        no(
            StatusCode::FORBIDDEN,
            "names",
            &format!("the certificate cannot be renewed: {error}"),
        )
    })?;
    issue(state, caller, &request, &profile, Vec::new(), "renewed")
}

fn issue(
    state: &State,
    caller: &Caller,
    request: &CertificateRequest,
    profile: &Profile,
    hosts: Vec<String>,
    event: &'static str,
) -> Result<Answer, No> {
    let opened = state.opened();
    let failed = |error: &dyn std::error::Error| internal(&error.to_string());
    let (issuer, purpose) = match profile {
        Profile::Client { .. } => (&opened.authorities.issuing, "client"),
        Profile::Server { .. } => {
            let rotation = state.directory().rotation(state.now());
            let rotation = rotation.map_err(|error| failed(&error))?;
            (opened.authorities.for_servers(rotation.as_ref()), "server")
        }
    };
    let (certificate, info) = issuer
        .certify_request(request, profile, Validity::Longest)
        .map_err(|error| failed(&error))?;
    let identity = identity(profile);
    let mut entry = entry(state, caller, event, &identity, "");
    entry.serial = Some(info.serial.clone());
    state
        .directory()
        .note(&entry)
        .map_err(|error| failed(&error))?;
    tracing::info!(peer = %caller.address, identity, serial = info.serial, event, "authority: certificate issued");
    json(&Granted {
        identity,
        purpose: purpose.to_owned(),
        certificate: issuer.chain_pem(&certificate),
        not_after: info.not_after,
        ca: opened.trust.ca.clone(),
        crl: opened.trust.crl.clone(),
        hosts,
    })
}

pub(super) fn identity(profile: &Profile) -> String {
    match profile {
        Profile::Client { name, .. } => name.to_string(),
        Profile::Server { names } => names.first().map(ToString::to_string).unwrap_or_default(),
    }
}

fn note_seen(state: &State, caller: &Caller, seen: Vec<Seen>) -> Result<Answer, No> {
    let info = certified(caller)?;
    refuse_revoked(&state.opened(), caller)?;
    if !info.is_for_servers() {
        let text = "only daemons tell who they saw";
        return Err(no(StatusCode::FORBIDDEN, "not_a_server", text));
    }
    for one in seen.into_iter().filter(is_sane) {
        state.seen.note(one);
    }
    json(&serde_json::json!({}))
}

/// A handshake with us is one more: it is how daemons are seen, which connect to nobody else.
fn note_caller(state: &State, caller: &Caller) {
    if let Ok(info) = certified(caller)
        && !state.opened().locked_out.any_of(&caller.chain)
    {
        state.seen.note(Seen {
            serial: info.serial.clone(),
            at: state.now(),
            from: caller.address.to_string(),
        });
    }
}

/// What is written to disk is a serial number and an address, not what somebody makes of them.
fn is_sane(seen: &Seen) -> bool {
    let hex = seen.serial.len() <= 42 && seen.serial.bytes().all(|c| c.is_ascii_hexdigit());
    hex && seen.from.len() <= 64 && seen.from.chars().all(|c| c.is_ascii_graphic())
}

fn certified(caller: &Caller) -> Result<&CertificateInfo, No> {
    let text = "this needs a certificate of ours: join first";
    let info = caller.info.as_ref();
    info.ok_or_else(|| no(StatusCode::UNAUTHORIZED, "no_certificate", text))
}

fn refuse_revoked(opened: &Opened, caller: &Caller) -> Result<(), No> {
    if opened.locked_out.any_of(&caller.chain) {
        let whose = caller.info.as_ref().map_or_else(String::new, |info| {
            let (subject, serial, until) = (&info.subject, &info.serial, info.not_after);
            format!(" {subject} (serial {serial}, until {until})")
        });
        let text = format!("the certificate{whose} is revoked; ask for a new invitation");
        return Err(no(StatusCode::FORBIDDEN, "revoked", &text));
    }
    Ok(())
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, No> {
    let bad = |text: &str| no(StatusCode::BAD_REQUEST, "bad_message", text);
    let body = Limited::new(request.into_body(), MESSAGE_MAX).collect();
    let body = tokio::time::timeout(Duration::from_secs(10), body)
        .await
        .map_err(|_late| bad("the message took too long"))?
        .map_err(|_long| bad("the message is too long or broke off"))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| bad(&error.to_string()))
}

fn entry(
    state: &State,
    caller: &Caller,
    event: &'static str,
    identity: &str,
    detail: &str,
) -> JournalEntry {
    JournalEntry {
        at: state.now(),
        event,
        peer: caller.address.to_string(),
        identity: identity.to_owned(),
        serial: None,
        detail: detail.to_owned(),
    }
}

fn note(state: &State, caller: &Caller, event: &'static str, identity: &str, detail: &str) {
    // A stranger must not fill the disk: what is beyond the limit is only logged.
    if !state.limiter.allows(caller.address, Instant::now()) {
        return;
    }
    let entry = entry(state, caller, event, identity, detail);
    if let Err(error) = state.directory().note(&entry) {
        tracing::error!(error = %error, "authority: the journal cannot be written");
    }
}

fn of_redeem(error: &RedeemError) -> No {
    let status = match error {
        RedeemError::Directory(_) => return internal(&error.to_string()),
        RedeemError::Used(_) | RedeemError::Expired(_) => StatusCode::GONE,
        RedeemError::Proof | RedeemError::Unknown => StatusCode::FORBIDDEN,
    };
    no(status, error.word(), &error.to_string())
}

fn no(status: StatusCode, reason: &'static str, message: &str) -> No {
    No {
        status,
        reason,
        message: message.to_owned(),
    }
}

fn internal(message: &str) -> No {
    no(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}

fn json<T: Serialize>(value: &T) -> Result<Answer, No> {
    let body = serde_json::to_vec(value).map_err(|error| internal(&error.to_string()))?;
    Ok(respond(StatusCode::OK, body))
}

fn respond(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// A request and a proof, or a few thousand sightings.
const MESSAGE_MAX: usize = 1 << 20;
/// How long somebody may wait for news.
const WAIT_MAX: u64 = 60;
