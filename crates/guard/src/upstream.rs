//! Where the other daemon listens.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::UnixStream;

use crate::error::UpstreamError;

/// A unix socket answers at once, or its backlog is full.
const PATIENCE: Duration = Duration::from_secs(10);

/// The address of the daemon behind the door: `unix:///PATH`.
///
/// Only a unix socket is taken: whoever can reach the upstream daemon by another way goes round
/// this door, and of a socket one can say who that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream(PathBuf);

impl Upstream {
    pub(crate) async fn connect(&self) -> io::Result<UnixStream> {
        tokio::time::timeout(PATIENCE, UnixStream::connect(&self.0))
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text
            .strip_prefix("unix://")
            .ok_or_else(|| UpstreamError::Scheme(text.to_owned()))?;
        if !path.starts_with('/') {
            return Err(UpstreamError::Relative(text.to_owned()));
        }
        Ok(Self(PathBuf::from(path)))
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix://{}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_absolute_unix_socket() {
        let docker: Upstream = "unix:///var/run/docker.sock".parse().unwrap();
        assert_eq!(docker.to_string(), "unix:///var/run/docker.sock");
        for wrong in [
            "tcp://127.0.0.1:2375",
            "/var/run/docker.sock",
            "unix://run/x",
            "",
        ] {
            assert!(wrong.parse::<Upstream>().is_err(), "{wrong}");
        }
    }
}
