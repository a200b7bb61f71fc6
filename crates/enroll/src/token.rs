//! The one line that somebody who is invited gets.
//!
//! ```text
//! lgj1.BASE64URL( address | pin | set | id | secret | expires  + four octets of SHA-256 over it )
//! ```
//!
//! The check sum tells a token that was cut off when it was copied from one that is refused; what
//! protects the token is the pin, the signature and that it is of use once.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use lockgate_pki::{ClientName, InviteSecret};
use lockgate_types::{ErrorKind, Timestamp};

/// Why a text is no token that could be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// Something else altogether.
    #[error("this is no invitation: paste the whole line that begins with `{PREFIX}`")]
    NotAToken,
    /// Cut off, or changed.
    #[error("the token is damaged or was altered: copy the whole line again, or ask for a new one")]
    Damaged,
    /// Its time is over.
    #[error("the token expired at {0}: ask for a new one")]
    Expired(Timestamp),
}

impl TokenError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAToken | Self::Damaged => ErrorKind::InvalidInput,
            Self::Expired(_) => ErrorKind::PreconditionFailed,
        }
    }
}

/// An invitation as it travels. `Display` shows the secret: that is its purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// `HOST:PORT` of the authority.
    pub address: String,
    /// SHA-256 of the authority's public key (SubjectPublicKeyInfo).
    pub pin: [u8; 32],
    /// What the files are called that it leads to: `server` or `client-NAME`.
    pub set: String,
    /// The name of the invitation.
    pub id: String,
    /// Its secret.
    pub secret: InviteSecret,
    /// When it ends; the authority decides, this only saves the way.
    pub expires: i64,
}

impl Token {
    /// Refuses a token whose time is over by our own clock.
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), TokenError> {
        if now.unix_seconds() > self.expires {
            let nanos = i128::from(self.expires) * 1_000_000_000;
            return Err(TokenError::Expired(Timestamp::from_unix_nanos(nanos)));
        }
        Ok(())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!(
            "{}|{}|{}|{}|{}|{}",
            self.address,
            BASE64.encode(self.pin),
            self.set,
            self.id,
            BASE64.encode(self.secret.expose()),
            self.expires
        );
        let sum = check_sum(text.as_bytes());
        write!(
            f,
            "{PREFIX}{}",
            BASE64.encode([text.as_bytes(), &sum].concat())
        )
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("address", &self.address)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let coded = text.strip_prefix(PREFIX).ok_or(TokenError::NotAToken)?;
        read(coded).ok_or(TokenError::Damaged)
    }
}

fn read(coded: &str) -> Option<Token> {
    let bytes = (coded.len() <= LONGEST).then(|| BASE64.decode(coded).ok())??;
    let (text, sum) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    if check_sum(text) != sum {
        return None;
    }
    let mut parts = std::str::from_utf8(text).ok()?.split('|');
    let mut next = || parts.next();
    let address = next()?.to_owned();
    let octets = |text: &str| -> Option<[u8; 32]> { BASE64.decode(text).ok()?.try_into().ok() };
    let pin = octets(next()?)?;
    let set = next()?.to_owned();
    let id = next()?.to_owned();
    let secret = InviteSecret::from_bytes(octets(next()?)?);
    let expires = next()?.parse().ok()?;
    let is_whole = parts.next().is_none() && split_address(&address).is_some() && is_set(&set);
    is_whole.then_some(Token {
        address,
        pin,
        set,
        id,
        secret,
        expires,
    })
}

/// It becomes the name of a directory, so it must be nothing but a name.
fn is_set(set: &str) -> bool {
    let client = set.strip_prefix("client-").map(str::parse::<ClientName>);
    set == "server" || matches!(client, Some(Ok(_)))
}

fn check_sum(text: &[u8]) -> [u8; 4] {
    let mut sum = [0; 4];
    let digest = digest(&SHA256, text);
    for (to, from) in sum.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    sum
}

/// `HOST:PORT`, `[V6]:PORT`.
pub(crate) fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = match bare {
        Some(v6) => v6,
        None if host.contains(':') => return None,
        None => host,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    let is_name = !host.is_empty() && host.chars().all(fits);
    Some((host, port.parse().ok().filter(|port| *port > 0)?)).filter(|_| is_name)
}

/// What every token begins with; the digit is the version.
const PREFIX: &str = "lgj1.";
/// Longer than a token with the longest host name.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> Token {
        Token {
            address: "[::1]:2377".to_owned(),
            pin: [7; 32],
            set: "client-alice".to_owned(),
            id: "0011223344556677".to_owned(),
            secret: InviteSecret::from_bytes([9; 32]),
            expires: 1_800_000_000,
        }
    }

    #[test]
    fn a_token_comes_back_as_it_was() {
        assert_eq!(token().to_string().parse(), Ok(token()));
        assert_eq!(format!(" {}\n", token()).parse(), Ok(token()));
    }

    #[test]
    fn a_token_never_shows_its_secret_in_a_log() {
        let shown = format!("{:?}", token());
        assert!(!shown.contains(&BASE64.encode([9; 32])), "{shown}");
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let text = token().to_string();
        for at in PREFIX.len()..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if changed != text {
                assert_eq!(changed.parse::<Token>(), Err(TokenError::Damaged), "{at}");
            }
        }
        assert_eq!(
            text[..text.len() - 3].parse::<Token>(),
            Err(TokenError::Damaged)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,300}") {
            let told = text.parse::<Token>().is_err();
            prop_assert!(told);
            let told = format!("{PREFIX}{text}").parse::<Token>().is_err();
            prop_assert!(told);
        }
    }
}
