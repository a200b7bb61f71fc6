//! A keep-alive HTTP/1.1 client on a unix socket that costs next to nothing.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// One connection; requests go one after the other.
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("cannot connect to {}", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        Ok(Self {
            stream: BufReader::with_capacity(1 << 16, stream),
        })
    }

    /// Asks for a stream and throws it away as it comes; returns how many bytes came.
    pub(crate) fn drain(&mut self, target: &str) -> Result<u64> {
        self.send("GET", target, b"", "", "")?;
        let (status, length) = self.head()?;
        if status != 200 {
            let body = self.body(length)?;
            bail!("GET {target}: {status} {}", String::from_utf8_lossy(&body));
        }
        let mut all = 0;
        loop {
            let size = match length {
                Length::Known(size) => size,
                Length::UntilEnd => usize::MAX,
                Length::Chunked => self.chunk_size()?,
            };
            let mut piece = (&mut self.stream).take(u64::try_from(size)?);
            all += io::copy(&mut piece, &mut io::sink())?;
            if !matches!(length, Length::Chunked) {
                return Ok(all);
            }
            self.stream.read_line(&mut String::new())?;
            if size == 0 {
                return Ok(all);
            }
        }
    }

    fn chunk_size(&mut self) -> Result<usize> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(usize::from_str_radix(line.trim_end(), 16)?)
    }

    /// Sends a request and reads the whole answer; fails unless the status is 2xx or 304.
    pub(crate) fn call(
        &mut self,
        method: &str,
        target: &str,
        body: &[u8],
        kind: &str,
    ) -> Result<Vec<u8>> {
        self.send(method, target, body, kind, "")?;
        let (status, length) = self.head()?;
        let body = self.body(length)?;
        if !(200..300).contains(&status) && status != 304 {
            bail!(
                "{method} {target}: {status} {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(body)
    }

    /// A JSON request with a JSON answer (null when empty).
    pub(crate) fn json(&mut self, method: &str, target: &str, body: &str) -> Result<Value> {
        let answer = self.call(method, target, body.as_bytes(), "application/json")?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Upgrades the connection and throws away what comes till its end; returns how many bytes came.
    pub(crate) fn hijack(mut self, target: &str, body: &str) -> Result<u64> {
        self.send(
            "POST",
            target,
            body.as_bytes(),
            "application/json",
            "Connection: Upgrade\r\nUpgrade: tcp\r\n",
        )?;
        let (status, _) = self.head()?;
        if status != 101 {
            bail!("POST {target}: {status} instead of 101");
        }
        Ok(io::copy(&mut self.stream, &mut io::sink())?)
    }

    fn send(
        &mut self,
        method: &str,
        target: &str,
        body: &[u8],
        kind: &str,
        more: &str,
    ) -> Result<()> {
        let length = body.len();
        let content = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {kind}\r\n")
        };
        let head = format!(
            "{method} /v1.41{target} HTTP/1.1\r\nHost: bench\r\n{more}{content}Content-Length: {length}\r\n\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        Ok(stream.write_all(body)?)
    }

    fn head(&mut self) -> Result<(u16, Length)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status: u16 = status.with_context(|| format!("no status line: {line:?}"))?;
        let mut length = if matches!(status, 204 | 304) {
            Length::Known(0)
        } else {
            Length::UntilEnd
        };
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let lower = line.trim_end().to_ascii_lowercase();
            if lower.is_empty() {
                return Ok((status, length));
            }
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = Length::Known(value.trim().parse()?);
            } else if lower.starts_with("transfer-encoding:") {
                length = Length::Chunked;
            }
        }
    }

    fn body(&mut self, length: Length) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        match length {
            Length::Known(size) => {
                body.resize(size, 0);
                self.stream.read_exact(&mut body)?;
            }
            Length::UntilEnd => {
                self.stream.read_to_end(&mut body)?;
            }
            Length::Chunked => loop {
                let size = self.chunk_size()?;
                let start = body.len();
                body.resize(start + size + 2, 0);
                self.stream
                    .read_exact(body.get_mut(start..).unwrap_or_default())?;
                body.truncate(start + size);
                if size == 0 {
                    break;
                }
            },
        }
        Ok(body)
    }
}

/// How the end of a body is known.
#[derive(Clone, Copy)]
enum Length {
    Chunked,
    Known(usize),
    UntilEnd,
}
