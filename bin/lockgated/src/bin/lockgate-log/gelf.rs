//! GELF 1.1: compressed and cut into chunks over UDP, ended by a zero byte over TCP.

use std::io::{self, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use lockgate_runtime::protocol::{LogRecord, LogSetup};
use serde_json::{Map, Value, json};

use crate::address::{self, Wire};
use crate::target::{Target, hostname, option};

/// What fits into one datagram beside its header of 12 bytes.
const CHUNK: usize = 1420 - 12;
const MAX_CHUNKS: usize = 128;

pub(crate) struct Gelf {
    network: &'static str,
    host: String,
    port: u16,
    wire: Option<Wire>,
    packing: Packing,
    level: Compression,
    attempts: u32,
    delay: Duration,
    common: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zlib,
}

impl Gelf {
    pub(crate) fn open(setup: &LogSetup) -> io::Result<Self> {
        let address = option(setup, "gelf-address").unwrap_or_default();
        let (scheme, rest) = address::split(address);
        let network = match scheme {
            "tcp" => "tcp",
            "udp" => "udp",
            _ => return Err(io::Error::other("gelf: endpoint needs to be TCP or UDP")),
        };
        let (host, port) = address::host_port(rest, 0)?;
        let packing = match (network, option(setup, "gelf-compression-type")) {
            ("tcp", _) | (_, Some("none")) => Packing::None,
            (_, Some("zlib")) => Packing::Zlib,
            _ => Packing::Gzip,
        };
        let number = |key: &str| option(setup, key).and_then(|text| text.parse::<u32>().ok());
        let mut gelf = Self {
            network,
            port,
            wire: None,
            packing,
            level: number("gelf-compression-level")
                .map_or(Compression::fast(), |level| Compression::new(level.min(9))),
            attempts: number("gelf-tcp-max-reconnect").unwrap_or(3),
            delay: Duration::from_secs(number("gelf-tcp-reconnect-delay").unwrap_or(1).into()),
            common: common(setup),
            host,
        };
        let place = format!("{}:{}", gelf.host, gelf.port);
        gelf.connect().map_err(|error| {
            io::Error::other(format!(
                "gelf: cannot connect to GELF endpoint: {place} {error}"
            ))
        })?;
        Ok(gelf)
    }

    fn connect(&mut self) -> io::Result<()> {
        self.wire = Some(Wire::dial(self.network, &self.host, self.port)?);
        Ok(())
    }

    fn message(&self, record: &LogRecord) -> Vec<u8> {
        let mut message = self.common.clone();
        let text = String::from_utf8_lossy(&record.text).into_owned();
        message.insert("short_message".to_owned(), text.into());
        let millis = record.time.unix_nanos() / 1_000_000;
        // Far below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let seconds = millis as f64 / 1000.0;
        message.insert("timestamp".to_owned(), json!(seconds));
        message.insert(
            "level".to_owned(),
            json!(if record.is_stderr { 3 } else { 6 }),
        );
        Value::Object(message).to_string().into_bytes()
    }

    fn send_datagrams(&mut self, message: &[u8]) -> io::Result<()> {
        let packed = pack(message, self.packing, self.level)?;
        let Some(wire) = &mut self.wire else {
            return Ok(());
        };
        for datagram in datagrams(&packed)? {
            wire.send(&datagram)?;
        }
        Ok(())
    }

    fn send_stream(&mut self, mut message: Vec<u8>) -> io::Result<()> {
        message.push(0);
        let mut last = None;
        for attempt in 0..=self.attempts {
            if attempt > 0 {
                std::thread::sleep(self.delay);
                if let Err(error) = self.connect() {
                    last = Some(error);
                    continue;
                }
            }
            match self.wire.as_mut().map(|wire| wire.send(&message)) {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => last = Some(error),
                None => {}
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

impl Target for Gelf {
    fn send(&mut self, record: &LogRecord) -> io::Result<()> {
        if record.text.is_empty() {
            return Ok(());
        }
        let message = self.message(record);
        if self.network == "udp" {
            self.send_datagrams(&message)
        } else {
            self.send_stream(message)
        }
    }
}

/// What is the same in all messages of a container.
fn common(setup: &LogSetup) -> Map<String, Value> {
    let fields = json!({
        "version": "1.1",
        "host": hostname(),
        "_container_id": setup.container_id,
        "_container_name": setup.container_name,
        "_image_id": setup.image_id,
        "_image_name": setup.image_name,
        "_command": setup.command,
        "_tag": setup.tag,
        "_created": setup.created,
    });
    let mut all = fields.as_object().cloned().unwrap_or_default();
    for (key, value) in &setup.attributes {
        let name = if key.starts_with('_') {
            key.clone()
        } else {
            format!("_{key}")
        };
        all.insert(name, value.clone().into());
    }
    all
}

fn pack(message: &[u8], packing: Packing, level: Compression) -> io::Result<Vec<u8>> {
    match packing {
        Packing::None => Ok(message.to_vec()),
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(message)?;
            encoder.finish()
        }
        Packing::Zlib => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(message)?;
            encoder.finish()
        }
    }
}

/// One datagram, or chunks: two magic bytes, eight of the message's id, number and count.
fn datagrams(message: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    if message.len() <= CHUNK {
        return Ok(vec![message.to_vec()]);
    }
    let count = message.len().div_ceil(CHUNK);
    if count > MAX_CHUNKS {
        return Err(io::Error::other("a message of more than 128 chunks"));
    }
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    let last = u8::try_from(count).unwrap_or(u8::MAX);
    let chunks = (0..last).zip(message.chunks(CHUNK)).map(|(number, part)| {
        let mut datagram = vec![0x1e, 0x0f];
        datagram.extend_from_slice(&id);
        datagram.extend_from_slice(&[number, last]);
        datagram.extend_from_slice(part);
        datagram
    });
    Ok(chunks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_into_numbered_chunks() {
        let message: Vec<u8> = (0..4000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let chunks = datagrams(&message).unwrap();
        assert_eq!(chunks.len(), 3);
        let mut whole = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk[..2], [0x1e, 0x0f]);
            assert_eq!(chunk[2..10], chunks[0][2..10]);
            assert_eq!((usize::from(chunk[10]), chunk[11]), (number, 3));
            whole.extend_from_slice(&chunk[12..]);
        }
        assert_eq!(whole, message);
        assert_eq!(datagrams(b"short").unwrap(), [b"short"]);
        datagrams(&vec![0; CHUNK * 129]).unwrap_err();
    }
}
