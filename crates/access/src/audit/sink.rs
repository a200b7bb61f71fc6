//! Where each line goes besides the file: the log services of the machine.
//!
//! They get what they can take: a service that is down or slow loses lines and holds nobody up.
//! The file is the record.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Somebody who gets each line.
#[derive(Clone, Debug)]
pub struct Sink(To);

#[derive(Clone, Debug)]
enum To {
    Service {
        kind: Kind,
        path: PathBuf,
        socket: Arc<UnixDatagram>,
    },
    Outlet(Arc<dyn Outlet>),
}

/// Takes lines elsewhere. It is called while the trail is locked: it must not wait for anything.
pub trait Outlet: std::fmt::Debug + Send + Sync {
    /// One line, without its end.
    fn send(&self, line: &str);
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Journal,
    Syslog,
}

/// `authpriv`, `notice`.
const PRIORITY: u8 = 10 * 8 + 5;

impl Sink {
    /// The system log, on its usual socket.
    pub fn syslog() -> io::Result<Self> {
        Self::at(Kind::Syslog, Path::new("/dev/log"))
    }

    /// The journal, on its usual socket.
    pub fn journald() -> io::Result<Self> {
        Self::at(Kind::Journal, Path::new("/run/systemd/journal/socket"))
    }

    fn at(kind: Kind, path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self(To::Service {
            kind,
            path: path.to_owned(),
            socket: Arc::new(socket),
        }))
    }

    /// Whoever takes lines elsewhere.
    pub fn outlet(outlet: Arc<dyn Outlet>) -> Self {
        Self(To::Outlet(outlet))
    }

    /// Sends a line, if the service takes it at once.
    pub(super) fn send(&self, line: &str) {
        let line = line.trim_end();
        let (kind, path, socket) = match &self.0 {
            To::Outlet(outlet) => return outlet.send(line),
            To::Service { kind, path, socket } => (*kind, path, socket),
        };
        let message = match kind {
            Kind::Journal => {
                format!("PRIORITY=5\nSYSLOG_IDENTIFIER=lockgated-audit\nMESSAGE={line}\n")
            }
            Kind::Syslog => format!("<{PRIORITY}>lockgated-audit: {line}"),
        };
        if let Err(error) = socket.send_to(message.as_bytes(), path) {
            tracing::debug!(sink = ?kind, error = %error, "a log service did not take an audit line");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_gets_the_line_in_its_form() {
        let dir = tempfile::tempdir().unwrap();
        for (kind, expected) in [
            (Kind::Syslog, "<85>lockgated-audit: {\"a\":1}"),
            (
                Kind::Journal,
                "PRIORITY=5\nSYSLOG_IDENTIFIER=lockgated-audit\nMESSAGE={\"a\":1}\n",
            ),
        ] {
            let path = dir.path().join(format!("{kind:?}"));
            let service = UnixDatagram::bind(&path).unwrap();
            Sink::at(kind, &path).unwrap().send("{\"a\":1}\n");
            let mut buffer = [0; 256];
            let count = service.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..count]).unwrap(), expected);
        }
        // Nobody there: nobody waits.
        Sink::at(Kind::Syslog, &dir.path().join("none"))
            .unwrap()
            .send("x");
    }
}
