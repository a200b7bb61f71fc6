//! Where the collector is.

use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

/// `http://HOST:PORT`, perhaps with a path before `/v1/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) authority: Authority,
    pub(crate) path: String,
}

/// Why that is no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No URL.
    #[error("{0:?} is no URL such as http://127.0.0.1:4318")]
    Malformed(String),
    /// A scheme that is not spoken.
    #[error("{0:?}: only http:// is spoken; let a collector on this host send on by TLS or gRPC")]
    Scheme(String),
}

/// The port of OTLP over HTTP.
const PORT: u16 = 4318;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let malformed = || EndpointError::Malformed(text.to_owned());
        let uri: Uri = text.parse().map_err(|_malformed| malformed())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(_) => return Err(EndpointError::Scheme(text.to_owned())),
            None => return Err(malformed()),
        }
        let authority = uri.authority().cloned().ok_or_else(malformed)?;
        if authority.as_str().contains('@') || uri.query().is_some() || authority.host().is_empty()
        {
            return Err(malformed());
        }
        Ok(Self {
            authority,
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl Endpoint {
    /// The same collector, another path.
    pub(crate) fn path(&self, path: &str) -> Self {
        Self {
            path: format!("{}{path}", self.path),
            ..self.clone()
        }
    }

    pub(crate) fn host(&self) -> &str {
        self.authority.host().trim_matches(['[', ']'])
    }

    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(PORT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url() {
        let endpoint: Endpoint = "http://[::1]:4318/otlp/".parse().unwrap();
        assert_eq!((endpoint.host(), endpoint.port()), ("::1", 4318));
        assert_eq!(endpoint.path("/v1/logs").path, "/otlp/v1/logs");
        let short: Endpoint = "http://collector".parse().unwrap();
        assert_eq!(
            (short.port(), short.path("/v1/traces").path.as_str()),
            (4318, "/v1/traces")
        );
        for bad in [
            "",
            "collector:4318",
            "https://a",
            "grpc://a:4317",
            "http://",
            "http://u:p@a",
            "http://a/?b",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
