//! Where each line goes besides the file: the log services of the machine.
//!
//! They get what they can take: a service that is down or slow loses lines and holds nobody up.
//! The file is the record.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Somebody who gets each line.
#[derive(Clone, Debug)]
pub struct Sink(To);

#[derive(Clone, Debug)]
enum To {
    Service {
        kind: Kind,
        path: PathBuf,
        socket: Arc<UnixDatagram>,
        lost: Arc<AtomicU64>,
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

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Journal => "journald",
            Self::Syslog => "syslog",
        }
    }
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
            lost: Arc::default(),
        }))
    }

    /// Whoever takes lines elsewhere.
    pub fn outlet(outlet: Arc<dyn Outlet>) -> Self {
        Self(To::Outlet(outlet))
    }

    /// Sends a line, if the service takes it at once.
    pub(super) fn send(&self, line: &str) {
        let line = line.trim_end();
        let (kind, path, socket, lost) = match &self.0 {
            To::Outlet(outlet) => return outlet.send(line),
            To::Service {
                kind,
                path,
                socket,
                lost,
            } => (*kind, path, socket, lost),
        };
        let message = match kind {
            Kind::Journal => {
                format!("PRIORITY=5\nSYSLOG_IDENTIFIER=lockgated-audit\nMESSAGE={line}\n")
            }
            Kind::Syslog => format!("<{PRIORITY}>lockgated-audit: {line}"),
        };
        if let Err(error) = socket.send_to(message.as_bytes(), path)
            && lost.fetch_add(1, Ordering::Relaxed) == 0
        {
            let sink = kind.word();
            tracing::warn!(sink, %error, "A LOG SERVICE DOES NOT TAKE AUDIT LINES; the file has every one, and metrics count those");
        }
    }

    /// Which log service did not take how many lines; others count for themselves.
    pub(super) fn lost(&self) -> Option<(&'static str, u64)> {
        match &self.0 {
            To::Outlet(_) => None,
            To::Service { kind, lost, .. } => Some((kind.word(), lost.load(Ordering::Relaxed))),
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
    }

    #[test]
    fn a_service_that_is_missing_slow_or_started_again_holds_nobody_up_and_what_it_misses_is_counted()
     {
        let dir = tempfile::tempdir().unwrap();
        for kind in [Kind::Syslog, Kind::Journal] {
            let path = dir.path().join(kind.word());
            let sink = Sink::at(kind, &path).unwrap();
            sink.send("nobody is there");
            assert_eq!(sink.lost(), Some((kind.word(), 1)));
            let slow = UnixDatagram::bind(&path).unwrap();
            let begun = std::time::Instant::now();
            (0..2000).for_each(|_| sink.send("x"));
            assert!(begun.elapsed() < std::time::Duration::from_secs(2));
            let (_, lost) = sink.lost().unwrap();
            assert!((1000..2001).contains(&lost), "its queue is full: {lost}");
            // It is started again: what comes then comes to it.
            drop(slow);
            std::fs::remove_file(&path).unwrap();
            let fresh = UnixDatagram::bind(&path).unwrap();
            sink.send("again");
            let mut buffer = [0; 256];
            let count = fresh.recv(&mut buffer).unwrap();
            assert!(String::from_utf8_lossy(&buffer[..count]).contains("again"));
            // And what is longer than a message may be is counted as well.
            sink.send(&"x".repeat(8 << 20));
            assert_eq!(sink.lost(), Some((kind.word(), lost + 1)));
        }
    }
}
