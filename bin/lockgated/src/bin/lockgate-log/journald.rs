//! The journal's native protocol: one datagram of `FIELD=value` lines for each record.

use std::io;
use std::os::unix::net::UnixDatagram;

use lockgate_runtime::protocol::{LogRecord, LogSetup};

use crate::target::Target;

const SOCKET: &str = "/run/systemd/journal/socket";

pub(crate) struct Journald {
    socket: UnixDatagram,
    fields: Vec<u8>,
}

impl Journald {
    pub(crate) fn open(setup: &LogSetup) -> io::Result<Self> {
        Self::open_at(setup, SOCKET)
    }

    fn open_at(setup: &LogSetup, path: &str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket
            .connect(path)
            .map_err(|_absent| io::Error::other("journald is not enabled on this host"))?;
        let mut fields = Vec::new();
        for (name, value) in [
            (
                "CONTAINER_ID",
                setup.container_id.get(..12).unwrap_or(&setup.container_id),
            ),
            ("CONTAINER_ID_FULL", &setup.container_id),
            ("CONTAINER_NAME", &setup.container_name),
            ("CONTAINER_TAG", &setup.tag),
            ("IMAGE_NAME", &setup.image_name),
            ("SYSLOG_IDENTIFIER", &setup.tag),
        ] {
            field(name, value.as_bytes(), &mut fields);
        }
        for (name, value) in &setup.attributes {
            field(&field_name(name), value.as_bytes(), &mut fields);
        }
        Ok(Self { socket, fields })
    }
}

impl Target for Journald {
    fn send(&mut self, record: &LogRecord) -> io::Result<()> {
        let mut datagram = self.fields.clone();
        let priority: &[u8] = if record.is_stderr { b"3" } else { b"6" };
        field("PRIORITY", priority, &mut datagram);
        field(
            "SYSLOG_TIMESTAMP",
            record.time.to_fixed_nanos().as_bytes(),
            &mut datagram,
        );
        if record.is_partial {
            field("CONTAINER_PARTIAL_MESSAGE", b"true", &mut datagram);
        }
        field("MESSAGE", &record.text, &mut datagram);
        self.socket.send(&datagram).map(drop)
    }
}

/// A value with a newline in it has its length before it.
fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// The journal's alphabet: capitals, digits and underscores, none of those at the start.
fn field_name(key: &str) -> String {
    let name: String = key
        .to_ascii_uppercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    name.trim_start_matches(|c: char| c == '_' || c.is_ascii_digit())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use lockgate_types::Timestamp;

    use super::*;

    #[test]
    fn a_record_is_a_datagram_of_fields() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let setup = LogSetup {
            container_id: "0123456789abcdef".to_owned(),
            tag: "t".to_owned(),
            attributes: [("com.example.x".to_owned(), "1".to_owned())].into(),
            ..LogSetup::default()
        };
        let mut target = Journald::open_at(&setup, &path.to_string_lossy()).unwrap();
        let record = LogRecord {
            is_stderr: true,
            is_partial: false,
            time: Timestamp::from_unix_nanos(0),
            text: b"a\nb".to_vec(),
        };
        target.send(&record).unwrap();
        let mut buffer = [0; 1024];
        let length = journal.recv(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(
            text.starts_with("CONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=0123456789abcdef\n"),
            "{text}"
        );
        assert!(text.contains("\nCOM_EXAMPLE_X=1\nPRIORITY=3\n"), "{text}");
        assert!(
            text.ends_with("MESSAGE\n\u{3}\0\0\0\0\0\0\0a\nb\n"),
            "{text:?}"
        );
    }

    #[test]
    fn without_a_journal_the_reason_is_dockerds() {
        let error = Journald::open_at(&LogSetup::default(), "/nonexistent/socket")
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "journald is not enabled on this host");
    }
}
