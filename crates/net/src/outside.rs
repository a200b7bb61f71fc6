//! Ports of a host whose network the daemon is not in: an ordinary user's daemon lives in a network of its
//! own, and asks the process that holds it to publish ports on the host.
//!
//! One line per question, one per answer, on a unix socket:
//!
//! ```text
//! begin                              ok            all ports that are open become doubtful
//! open  tcp 0.0.0.0:8080             ok            listens; a doubtful one is taken over
//! aim   tcp 0.0.0.0:8080 172.17.0.2:80   ok        connections go there from now on
//! close tcp 0.0.0.0:8080             ok
//! sweep                              ok            what is still doubtful is closed
//! quit                               ok            the holder ends, and its network with it
//!                                    errno 13 1024 why not; the host's first unprivileged port
//! ```

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddrV4;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crate::Protocol;

/// Where the inner network's resolver is: it passes questions on to the host's.
pub const RESOLVER: &str = "10.0.2.3";

/// No line is longer.
pub const MAX_LINE: usize = 128;

/// What the holder is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// All ports become doubtful.
    Begin,
    /// Listen.
    Open(Port),
    /// Say where connections go.
    Aim(Port, SocketAddrV4),
    /// Listen no more.
    Close(Port),
    /// Close what is doubtful.
    Sweep,
    /// End.
    Quit,
}

/// A port of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Its protocol.
    pub proto: Protocol,
    /// Address and number.
    pub address: SocketAddrV4,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// It is not.
    Refused {
        /// The system's error number.
        errno: i32,
        /// The first port that ordinary users may have on the host.
        floor: u16,
    },
}

/// A line is no request or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a line of the port protocol")]
pub struct BadLine;

impl FromStr for Request {
    type Err = BadLine;

    fn from_str(line: &str) -> Result<Self, BadLine> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["begin"] => Ok(Self::Begin),
            ["sweep"] => Ok(Self::Sweep),
            ["quit"] => Ok(Self::Quit),
            ["open", proto, address] => Ok(Self::Open(port(proto, address)?)),
            ["close", proto, address] => Ok(Self::Close(port(proto, address)?)),
            ["aim", proto, address, target] => {
                let target = target.parse().map_err(|_syntax| BadLine)?;
                Ok(Self::Aim(port(proto, address)?, target))
            }
            _ => Err(BadLine),
        }
    }
}

fn port(proto: &str, address: &str) -> Result<Port, BadLine> {
    Ok(Port {
        proto: proto.parse().map_err(|_unknown| BadLine)?,
        address: address.parse().map_err(|_syntax| BadLine)?,
    })
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begin => f.write_str("begin"),
            Self::Sweep => f.write_str("sweep"),
            Self::Quit => f.write_str("quit"),
            Self::Open(port) => write!(f, "open {port}"),
            Self::Close(port) => write!(f, "close {port}"),
            Self::Aim(port, target) => write!(f, "aim {port} {target}"),
        }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.proto, self.address)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done => f.write_str("ok"),
            Self::Refused { errno, floor } => write!(f, "errno {errno} {floor}"),
        }
    }
}

impl FromStr for Answer {
    type Err = BadLine;

    fn from_str(line: &str) -> Result<Self, BadLine> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["ok"] => Ok(Self::Done),
            ["errno", errno, floor] => Ok(Self::Refused {
                errno: errno.parse().map_err(|_syntax| BadLine)?,
                floor: floor.parse().map_err(|_syntax| BadLine)?,
            }),
            _ => Err(BadLine),
        }
    }
}

/// A connection to the holder.
#[derive(Debug)]
pub struct Outside(BufReader<UnixStream>);

impl Outside {
    /// Connects.
    pub fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks and waits for the answer.
    pub fn ask(&mut self, request: Request) -> io::Result<Answer> {
        self.0
            .get_mut()
            .write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        self.0.by_ref().take(limit).read_line(&mut line)?;
        if line.is_empty() {
            let text =
                "the process that holds this daemon's network has ended; start the daemon again";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, text));
        }
        line.parse().map_err(io::Error::other)
    }
}

/// The holder answers at once, or never.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        for line in [
            "begin",
            "sweep",
            "quit",
            "open tcp 0.0.0.0:8080",
            "close udp 127.0.0.1:53",
            "aim tcp 0.0.0.0:8080 172.17.0.2:80",
        ] {
            assert_eq!(line.parse::<Request>().unwrap().to_string(), line);
        }
        for line in ["ok", "errno 98 1024"] {
            assert_eq!(line.parse::<Answer>().unwrap().to_string(), line);
        }
        for bad in [
            "",
            "open",
            "open tcp",
            "open tcp [::]:80",
            "open tcp 0.0.0.0:70000",
            "shut tcp 0.0.0.0:80",
        ] {
            assert_eq!(bad.parse::<Request>(), Err(BadLine), "{bad}");
            assert_eq!(bad.parse::<Answer>(), Err(BadLine), "{bad}");
        }
    }
}
