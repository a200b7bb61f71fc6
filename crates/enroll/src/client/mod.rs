//! The side of whoever asks.

mod link;
mod trusting;

use lockgate_pki::PrivateKey;
use lockgate_types::Timestamp;

use crate::binding;
use crate::token::Token;
use crate::wire::{Granted, JoinMessage, Octets, RenewMessage, Seen, Trust};

pub use link::{Credentials, Link, LinkError};
pub use trusting::Trusting;

/// Redeems `token` for `key`. The authority is proved by the pin before anything is sent to it.
pub async fn join(token: &Token, key: &PrivateKey) -> Result<Granted, LinkError> {
    token.check_expiry(Timestamp::now())?;
    let request = key.request()?;
    let trusting = Trusting::Pin(token.pin);
    let mut link = Link::open(&token.address, &trusting, None).await?;
    let message = binding::message(link.exported(), &token.id, &request);
    let (public_key, signature) = token.secret.prove(&message);
    let message = JoinMessage {
        id: token.id.clone(),
        public_key: Octets(public_key),
        signature: Octets(signature),
        request: Octets(request),
    };
    link.post("/v1/join", &message).await
}

/// Asks for a certificate for `key`, with the names of the certificate in `credentials`.
pub async fn renew(
    address: &str,
    trusting: &Trusting,
    credentials: &Credentials,
    key: &PrivateKey,
) -> Result<Granted, LinkError> {
    let request = key.request()?;
    let mut link = Link::open(address, trusting, Some(credentials)).await?;
    let request = Octets(request);
    link.post("/v1/renew", &RenewMessage { request }).await
}

/// What is known already, and how long to wait for something newer.
#[derive(Clone, Copy, Debug)]
pub struct TrustPoll<'a> {
    /// The tag of what is known; empty for nothing.
    pub tag: &'a str,
    /// How many seconds the authority may wait for a change before it answers.
    pub wait: u32,
}

/// Asks what to trust; `None` if nothing changed in the time given.
pub async fn poll_trust(
    address: &str,
    trusting: &Trusting,
    credentials: Option<&Credentials>,
    poll: TrustPoll<'_>,
) -> Result<Option<Trust>, LinkError> {
    let mut link = Link::open(address, trusting, credentials).await?;
    let path = format!("/v1/trust?tag={}&wait={}", poll.tag, poll.wait);
    link.get(&path, poll.wait).await
}

/// Tells the authority who was seen.
pub async fn report_seen(
    address: &str,
    trusting: &Trusting,
    credentials: &Credentials,
    seen: &[Seen],
) -> Result<(), LinkError> {
    let mut link = Link::open(address, trusting, Some(credentials)).await?;
    link.post::<_, serde_json::Value>("/v1/seen", &seen).await?;
    Ok(())
}
