//! The opening handshake of a WebSocket (RFC 6455, section 4.2). What follows on the connection is the backend's.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

/// Why a request is no handshake. The texts are the stock daemon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// `Upgrade` or `Connection` ask for something else.
    #[error("not websocket protocol")]
    Protocol,
    /// Only version 13 was ever released.
    #[error("missing or bad WebSocket Version")]
    Version,
    /// The key is not 16 bytes in base 64.
    #[error("challenge response error")]
    Key,
}

/// The value of `Sec-WebSocket-Accept` that answers the handshake in `headers`.
pub fn accept(headers: &HeaderMap) -> Result<String, HandshakeError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let upgrade = text(header::UPGRADE).unwrap_or_default();
    let connection = text(header::CONNECTION).unwrap_or_default();
    let mut tokens = connection.split(',').map(str::trim);
    if !upgrade.eq_ignore_ascii_case("websocket")
        || !tokens.any(|token| token.eq_ignore_ascii_case("upgrade"))
    {
        return Err(HandshakeError::Protocol);
    }
    if text(header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(HandshakeError::Version);
    }
    let key = text(header::SEC_WEBSOCKET_KEY).unwrap_or_default().trim();
    match STANDARD.decode(key) {
        Ok(bytes) if bytes.len() == 16 => {}
        _ => return Err(HandshakeError::Key),
    }
    // The protocol's own use of SHA-1: a proof that this is no HTTP cache, not a secret.
    let hash = digest(
        &SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{MAGIC}").as_bytes(),
    );
    Ok(STANDARD.encode(hash))
}

const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (
                header::HeaderName::from_static(name),
                header::HeaderValue::from_static(value),
            )
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn answers_the_example_of_the_specification() {
        let mut asked = headers(&[
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);
        assert_eq!(
            accept(&asked).as_deref(),
            Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        for (name, value, error) in [
            ("sec-websocket-key", "c2hvcnQ=", HandshakeError::Key),
            ("sec-websocket-version", "12", HandshakeError::Version),
            ("upgrade", "tcp", HandshakeError::Protocol),
        ] {
            asked.insert(name, header::HeaderValue::from_static(value));
            assert_eq!(accept(&asked), Err(error), "{name}");
        }
        assert_eq!(accept(&HeaderMap::new()), Err(HandshakeError::Protocol));
    }
}
