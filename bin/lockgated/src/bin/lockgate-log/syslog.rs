//! Syslog, in the formats of dockerd, over UDP, TCP, TLS and unix sockets.
//!
//! | `syslog-format` | a message |
//! | --- | --- |
//! | none | `<PRI>Jan  2 15:04:05 TAG[PID]: TEXT` |
//! | `rfc3164` | `<PRI>Jan  2 15:04:05 HOST TAG[PID]: TEXT` |
//! | `rfc5424` | `<PRI>1 2006-01-02T15:04:05Z HOST TAG PID TAG - TEXT` |
//! | `rfc5424micro` | the same with microseconds |
//!
//! A newline ends each message; over TLS an RFC 5424 message has its length before it (RFC 5425). Times
//! are in UTC: a static program knows no time zones.

use std::io::{self, Write as _};

use lockgate_runtime::protocol::{LogRecord, LogSetup};
use lockgate_types::Timestamp;
use time::OffsetDateTime;

use crate::address::{self, Wire};
use crate::target::{Target, hostname, option};
use crate::tls::{self, Tls};

const INFO: u8 = 6;
const ERROR: u8 = 3;
const DAEMON: u8 = 3;
const PORT: u16 = 514;
/// Where the host's own syslog may listen.
const LOCAL: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

pub(crate) struct Syslog {
    dial: Dial,
    connection: Option<Connection>,
    format: Format,
    facility: u8,
    hostname: String,
    tag: String,
}

enum Connection {
    Wire(Wire),
    Tls(Box<Tls>),
}

/// Where to connect, again and again.
enum Dial {
    Local,
    Network {
        network: &'static str,
        host: String,
        port: u16,
    },
    Tls {
        settings: tls::Settings,
        host: String,
        port: u16,
    },
    Unix {
        network: &'static str,
        path: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Unix,
    Rfc3164,
    Rfc5424 { micro: bool, framed: bool },
}

impl Syslog {
    pub(crate) fn open(setup: &LogSetup) -> io::Result<Self> {
        let dial = Dial::of(setup)?;
        let framed = matches!(dial, Dial::Tls { .. });
        let format = match option(setup, "syslog-format") {
            None => Format::Unix,
            Some("rfc3164") => Format::Rfc3164,
            Some("rfc5424") => Format::Rfc5424 {
                micro: false,
                framed,
            },
            Some("rfc5424micro") => Format::Rfc5424 {
                micro: true,
                framed,
            },
            Some(_) => return Err(io::Error::other("Invalid syslog format")),
        };
        let facility = option(setup, "syslog-facility").map_or(Some(DAEMON), facility);
        Ok(Self {
            connection: Some(dial.connect()?),
            dial,
            format,
            facility: facility.ok_or_else(|| io::Error::other("invalid syslog facility"))?,
            hostname: hostname(),
            tag: setup.tag.clone(),
        })
    }

    fn deliver(&mut self, message: &[u8]) -> io::Result<()> {
        if self.connection.is_none() {
            self.connection = Some(self.dial.connect()?);
        }
        let sent = match &mut self.connection {
            Some(Connection::Wire(wire)) => wire.send(message),
            Some(Connection::Tls(tls)) => tls.write_all(message).and_then(|()| tls.flush()),
            None => Ok(()),
        };
        if sent.is_err() {
            self.connection = None;
        }
        sent
    }
}

impl Target for Syslog {
    fn send(&mut self, record: &LogRecord) -> io::Result<()> {
        if record.text.is_empty() {
            return Ok(());
        }
        let severity = if record.is_stderr { ERROR } else { INFO };
        let priority = (self.facility << 3) | severity;
        let message = render(
            self.format,
            priority,
            Timestamp::now(),
            &self.hostname,
            &self.tag,
            &record.text,
        );
        // A connection that broke meanwhile is made again, once.
        self.deliver(&message)
            .or_else(|_broken| self.deliver(&message))
    }

    fn finish(&mut self) -> io::Result<()> {
        match &mut self.connection {
            Some(Connection::Tls(tls)) => {
                tls.conn.send_close_notify();
                tls.flush()
            }
            _ => Ok(()),
        }
    }
}

impl Dial {
    fn of(setup: &LogSetup) -> io::Result<Self> {
        let Some(text) = option(setup, "syslog-address") else {
            return Ok(Self::Local);
        };
        let (scheme, rest) = address::split(text);
        Ok(match scheme {
            "unix" | "unixgram" => Self::Unix {
                network: if scheme == "unix" { "unix" } else { "unixgram" },
                path: rest.to_owned(),
            },
            "udp" | "tcp" => {
                let (host, port) = address::host_port(rest, PORT)?;
                let network = if scheme == "udp" { "udp" } else { "tcp" };
                Self::Network {
                    network,
                    host,
                    port,
                }
            }
            "tcp+tls" => {
                let (host, port) = address::host_port(rest, PORT)?;
                let settings = tls::Settings::of(setup)?;
                Self::Tls {
                    settings,
                    host,
                    port,
                }
            }
            other => return Err(io::Error::other(format!("unsupported scheme: '{other}'"))),
        })
    }

    fn connect(&self) -> io::Result<Connection> {
        Ok(Connection::Wire(match self {
            Self::Local => local()?,
            Self::Network {
                network,
                host,
                port,
            } => Wire::dial(network, host, *port)?,
            Self::Unix { network, path } => Wire::dial_unix(network, path)?,
            Self::Tls {
                settings,
                host,
                port,
            } => {
                return Ok(Connection::Tls(Box::new(tls::connect(
                    settings, host, *port,
                )?)));
            }
        }))
    }
}

fn local() -> io::Result<Wire> {
    for network in ["unixgram", "unix"] {
        for path in LOCAL {
            if let Ok(wire) = Wire::dial_unix(network, path) {
                return Ok(wire);
            }
        }
    }
    Err(io::Error::other("Unix syslog delivery error"))
}

/// A facility by its name or number.
fn facility(text: &str) -> Option<u8> {
    const NAMES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4",
        "local5", "local6", "local7",
    ];
    let named = NAMES
        .iter()
        .position(|name| !name.is_empty() && *name == text);
    let number = text.parse().ok().filter(|number| *number <= 23);
    named
        .and_then(|number| u8::try_from(number).ok())
        .or(number)
}

fn render(
    format: Format,
    priority: u8,
    time: Timestamp,
    host: &str,
    tag: &str,
    text: &[u8],
) -> Vec<u8> {
    let pid = std::process::id();
    let mut message = match format {
        Format::Unix => format!("<{priority}>{} {tag}[{pid}]: ", stamp(time)),
        Format::Rfc3164 => format!("<{priority}>{} {host} {tag}[{pid}]: ", stamp(time)),
        Format::Rfc5424 { micro, .. } => {
            format!(
                "<{priority}>1 {} {host} {tag} {pid} {tag} - ",
                rfc3339(time, micro)
            )
        }
    }
    .into_bytes();
    message.extend_from_slice(text);
    message.push(b'\n');
    if matches!(format, Format::Rfc5424 { framed: true, .. }) {
        let mut framed = format!("{} ", message.len()).into_bytes();
        framed.append(&mut message);
        return framed;
    }
    message
}

fn moment(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(time.unix_nanos().into())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `Jan  2 15:04:05`
fn stamp(time: Timestamp) -> String {
    let moment = moment(time);
    let month = moment.month().to_string();
    let (hour, minute, second) = moment.to_hms();
    format!(
        "{} {:>2} {hour:02}:{minute:02}:{second:02}",
        month.get(..3).unwrap_or_default(),
        moment.day()
    )
}

fn rfc3339(time: Timestamp, micro: bool) -> String {
    let moment = moment(time);
    let (hour, minute, second) = moment.to_hms();
    let fraction = if micro {
        format!(".{:06}", moment.microsecond())
    } else {
        String::new()
    };
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Format) -> String {
        let time = Timestamp::from_unix_nanos(1_136_214_245_123_456_789);
        let pid = std::process::id().to_string();
        let message = render(format, 30, time, "host", "tag", b"hello");
        String::from_utf8(message).unwrap().replace(&pid, "PID")
    }

    #[test]
    fn messages_look_as_dockerd_writes_them() {
        assert_eq!(text(Format::Unix), "<30>Jan  2 15:04:05 tag[PID]: hello\n");
        assert_eq!(
            text(Format::Rfc3164),
            "<30>Jan  2 15:04:05 host tag[PID]: hello\n"
        );
        let plain = Format::Rfc5424 {
            micro: false,
            framed: false,
        };
        assert_eq!(
            text(plain),
            "<30>1 2006-01-02T15:04:05Z host tag PID tag - hello\n"
        );
        let micro = Format::Rfc5424 {
            micro: true,
            framed: false,
        };
        assert_eq!(
            text(micro),
            "<30>1 2006-01-02T15:04:05.123456Z host tag PID tag - hello\n"
        );
    }

    #[test]
    fn over_tls_a_message_has_its_length_before_it() {
        let time = Timestamp::from_unix_nanos(0);
        let framed = render(
            Format::Rfc5424 {
                micro: false,
                framed: true,
            },
            30,
            time,
            "h",
            "t",
            b"x",
        );
        let text = String::from_utf8(framed).unwrap();
        let (length, rest) = text.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), rest.len());
    }

    #[test]
    fn facilities_have_names_and_numbers() {
        for (text, number) in [
            ("daemon", Some(3)),
            ("local7", Some(23)),
            ("4", Some(4)),
            ("99", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(facility(text), number, "{text}");
        }
    }
}
