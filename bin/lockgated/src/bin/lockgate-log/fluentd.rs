//! Fluentd's forward protocol: `[tag, time, record, option]` in MessagePack.

use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use lockgate_runtime::protocol::{LogRecord, LogSetup};

use crate::address::{self, Wire};
use crate::queued::Queued;
use crate::target::{Target, option};

/// As good as for ever.
const RETRIES: u64 = (1 << 31) - 1;
const PORT: u16 = 24224;
const RETRY_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Records that may wait for delivery, if it is not waited for.
const BUFFERED: usize = 1 << 20;
/// How long an acknowledgement is waited for.
const ACK: Duration = Duration::from_secs(30);

pub(crate) struct Fluentd {
    dial: Dial,
    wire: Option<Wire>,
    /// Since when there is a connection, and how old one may become.
    connected: Option<Instant>,
    oldest: Option<Duration>,
    tag: String,
    /// Key and value, encoded, of what is the same in all records.
    common: Vec<u8>,
    common_count: u32,
    retry_wait: Duration,
    max_retries: u64,
    write_timeout: Option<Duration>,
    precise: bool,
    wants_ack: bool,
}

enum Dial {
    Tcp { host: String, port: u16 },
    Unix(String),
}

/// Opens the target; with `fluentd-async` nobody waits for it.
pub(crate) fn open(setup: &LogSetup) -> io::Result<Box<dyn Target>> {
    let flag = |key: &str| option(setup, key).is_some_and(is_true);
    let is_async = flag("fluentd-async") || flag("fluentd-async-connect");
    let fluentd = Fluentd::open(setup, is_async)?;
    if !is_async {
        return Ok(Box::new(fluentd));
    }
    let limit = option(setup, "fluentd-buffer-limit").and_then(count);
    Ok(Box::new(Queued::new(fluentd, limit.unwrap_or(BUFFERED))))
}

impl Fluentd {
    fn open(setup: &LogSetup, is_async: bool) -> io::Result<Self> {
        let flag = |key: &str| option(setup, key).is_some_and(is_true);
        let mut common = Vec::new();
        let mut common_count = 2;
        for (key, value) in [
            ("container_id", setup.container_id.clone()),
            ("container_name", format!("/{}", setup.container_name)),
        ] {
            text(key.as_bytes(), &mut common);
            text(value.as_bytes(), &mut common);
        }
        for (key, value) in &setup.attributes {
            text(key.as_bytes(), &mut common);
            text(value.as_bytes(), &mut common);
            common_count += 1;
        }
        let mut fluentd = Self {
            dial: Dial::of(option(setup, "fluentd-address").unwrap_or("tcp://127.0.0.1"))?,
            wire: None,
            connected: None,
            oldest: option(setup, "fluentd-async-reconnect-interval")
                .and_then(duration)
                .filter(|oldest| is_async && !oldest.is_zero()),
            tag: setup.tag.clone(),
            common,
            common_count,
            retry_wait: option(setup, "fluentd-retry-wait")
                .and_then(duration)
                .unwrap_or(RETRY_WAIT),
            max_retries: option(setup, "fluentd-max-retries")
                .and_then(|text| text.parse().ok())
                .unwrap_or(RETRIES),
            write_timeout: option(setup, "fluentd-write-timeout").and_then(duration),
            precise: flag("fluentd-sub-second-precision"),
            wants_ack: flag("fluentd-request-ack"),
        };
        let connected = fluentd.connect();
        if !is_async {
            connected?;
        }
        Ok(fluentd)
    }

    fn connect(&mut self) -> io::Result<()> {
        let wire = match &self.dial {
            Dial::Tcp { host, port } => Wire::dial("tcp", host, *port)?,
            Dial::Unix(path) => Wire::dial_unix("unix", path)?,
        };
        wire.set_write_timeout(self.write_timeout)?;
        self.wire = Some(wire);
        self.connected = Some(Instant::now());
        Ok(())
    }

    fn message(&self, record: &LogRecord, chunk: Option<&str>) -> Vec<u8> {
        let mut out = vec![0x94];
        text(self.tag.as_bytes(), &mut out);
        time(record, self.precise, &mut out);
        map(
            self.common_count + 2 + u32::from(record.is_partial),
            &mut out,
        );
        out.extend_from_slice(&self.common);
        text(b"source", &mut out);
        text(
            if record.is_stderr {
                b"stderr"
            } else {
                b"stdout"
            },
            &mut out,
        );
        text(b"log", &mut out);
        text(&record.text, &mut out);
        if record.is_partial {
            text(b"partial_message", &mut out);
            text(b"true", &mut out);
        }
        map(u32::from(chunk.is_some()), &mut out);
        if let Some(chunk) = chunk {
            text(b"chunk", &mut out);
            text(chunk.as_bytes(), &mut out);
        }
        out
    }

    fn try_send(&mut self, message: &[u8], chunk: Option<&str>) -> io::Result<()> {
        let is_old = |since: Instant| self.oldest.is_some_and(|oldest| since.elapsed() >= oldest);
        if self.wire.is_none() || self.connected.is_some_and(is_old) {
            self.wire = None;
            self.connect()?;
        }
        let Some(wire) = &mut self.wire else {
            return Ok(());
        };
        let sent = wire.send(message).and_then(|()| match chunk {
            Some(chunk) => await_ack(wire, chunk),
            None => Ok(()),
        });
        if sent.is_err() {
            self.wire = None;
        }
        sent
    }
}

impl Target for Fluentd {
    fn send(&mut self, record: &LogRecord) -> io::Result<()> {
        let chunk = self.wants_ack.then(random_chunk).transpose()?;
        let message = self.message(record, chunk.as_deref());
        let mut wait = self.retry_wait;
        let mut retries = 0;
        loop {
            match self.try_send(&message, chunk.as_deref()) {
                Ok(()) => return Ok(()),
                Err(error) if retries >= self.max_retries => return Err(error),
                Err(_again) => {}
            }
            std::thread::sleep(wait);
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
            retries += 1;
        }
    }
}

impl Dial {
    fn of(text: &str) -> io::Result<Self> {
        match address::split(text) {
            ("unix", path) => Ok(Self::Unix(path.to_owned())),
            ("" | "tcp", rest) => {
                let (host, port) = address::host_port(rest, PORT)?;
                Ok(Self::Tcp { host, port })
            }
            (other, _) => Err(io::Error::other(format!("unsupported scheme: '{other}'"))),
        }
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// `8192` or `1m`, which the engine has looked at; as in Docker it counts records.
fn count(text: &str) -> Option<usize> {
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower.trim_end_matches(['i', 'b']);
    let number = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match bare.strip_prefix(number)? {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        // More than there is memory for.
        _ => return Some(usize::MAX),
    };
    number.trim().parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// Go's durations, as far as options use them; the engine has refused what is none.
fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    Duration::try_from_secs_f64(total).ok()
}

fn random_chunk() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u128::from_ne_bytes(bytes).to_string())
}

/// The answer is `{"ack": chunk}`; that it names our chunk is all that is looked for.
fn await_ack(wire: &mut Wire, chunk: &str) -> io::Result<()> {
    let mut answer = Vec::new();
    let mut buffer = [0; 256];
    loop {
        let count = match wire {
            Wire::Tcp(stream) => {
                stream.set_read_timeout(Some(ACK))?;
                stream.read(&mut buffer)?
            }
            Wire::Unix(stream) => {
                stream.set_read_timeout(Some(ACK))?;
                stream.read(&mut buffer)?
            }
            Wire::Udp(_) | Wire::Datagram(_) => return Ok(()),
        };
        if count == 0 || answer.len() > 4096 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if answer
            .windows(chunk.len())
            .any(|window| window == chunk.as_bytes())
        {
            return Ok(());
        }
    }
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match length {
        0..32 => out.push(0xa0 | bytes.len().to_le_bytes()[0]),
        32..256 => out.extend_from_slice(&[0xd9, bytes.len().to_le_bytes()[0]]),
        256..65536 => {
            out.push(0xda);
            out.extend_from_slice(&length.to_be_bytes()[2..]);
        }
        _ => {
            out.push(0xdb);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn map(count: u32, out: &mut Vec<u8>) {
    if count < 16 {
        out.push(0x80 | count.to_le_bytes()[0]);
    } else {
        out.push(0xdf);
        out.extend_from_slice(&count.to_be_bytes());
    }
}

/// Seconds, or fluentd's extension with nanoseconds.
fn time(record: &LogRecord, precise: bool, out: &mut Vec<u8>) {
    let seconds = record.time.unix_seconds();
    if precise {
        let nanos = record.time.unix_nanos().rem_euclid(1_000_000_000);
        out.extend_from_slice(&[0xd7, 0]);
        out.extend_from_slice(&u32::try_from(seconds).unwrap_or_default().to_be_bytes());
        out.extend_from_slice(&u32::try_from(nanos).unwrap_or_default().to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&seconds.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_maps_have_the_shortest_form() {
        for (length, head) in [
            (5_usize, vec![0xa5]),
            (40, vec![0xd9, 40]),
            (300, vec![0xda, 1, 44]),
            (70_000, vec![0xdb, 0, 1, 17, 112]),
        ] {
            let mut out = Vec::new();
            text(&vec![b'x'; length], &mut out);
            assert_eq!(out[..out.len() - length], head);
        }
        let mut out = Vec::new();
        map(3, &mut out);
        map(20, &mut out);
        assert_eq!(out, [0x83, 0xdf, 0, 0, 0, 20]);
    }

    #[test]
    fn buffer_limits_have_docker_s_units() {
        for (text, limit) in [
            ("8192", 8192),
            ("2k", 2048),
            ("1MiB", 1 << 20),
            ("1g", 1 << 30),
        ] {
            assert_eq!(count(text), Some(limit), "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_in_go() {
        for (text, millis) in [("10ms", 10), ("1.5s", 1500), ("1m30s", 90_000)] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        assert_eq!(duration("5"), None);
    }
}
