//! Where each line goes besides the file: the log services of the machine.
//!
//! They get what they can take: a service that is down or slow loses lines and holds nobody up.
//! The file is the record.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log service that gets each line.
#[derive(Clone, Debug)]
pub struct Sink {
    kind: Kind,
    path: PathBuf,
    socket: Arc<UnixDatagram>,
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
        Ok(Self {
            kind,
            path: path.to_owned(),
            socket: Arc::new(socket),
        })
    }

    /// Sends a line, if the service takes it at once.
    pub(super) fn send(&self, line: &str) {
        let line = line.trim_end();
        let message = match self.kind {
            Kind::Journal => {
                format!("PRIORITY=5\nSYSLOG_IDENTIFIER=lockgated-audit\nMESSAGE={line}\n")
            }
            Kind::Syslog => format!("<{PRIORITY}>lockgated-audit: {line}"),
        };
        if let Err(error) = self.socket.send_to(message.as_bytes(), &self.path) {
            tracing::debug!(sink = ?self.kind, error = %error, "a log service did not take an audit line");
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
