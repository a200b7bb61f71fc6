//! One HTTP/1.1 exchange on a raw unix socket, without a polite client in between.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request and reads the answer until the server closes.
#[track_caller]
pub fn request(socket: &Path, method: &str, target: &str, body: Option<&str>) -> HttpResponse {
    let body = body.map(|body| ("application/json", body.as_bytes()));
    request_with(socket, method, target, body)
}

/// The same with a body of any type.
#[track_caller]
pub fn request_with(
    socket: &Path,
    method: &str,
    target: &str,
    body: Option<(&str, &[u8])>,
) -> HttpResponse {
    let mut stream = UnixStream::connect(socket)
        .unwrap_or_else(|error| panic!("cannot connect to {}: {error}", socket.display()));
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let body_head = body.map_or_else(String::new, |(kind, body)| {
        let length = body.len();
        format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n")
    });
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: lockgate\r\nConnection: close\r\n{body_head}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .write_all(body.map_or(&[], |(_, body)| body))
        .unwrap();
    let mut raw = Vec::new();
    stream
        .read_to_end(&mut raw)
        .unwrap_or_else(|error| panic!("{method} {target}: {error}"));
    parse(&raw)
}

fn parse(raw: &[u8]) -> HttpResponse {
    let end = raw
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .unwrap_or_else(|| {
            panic!(
                "no complete response head: {:?}",
                String::from_utf8_lossy(raw)
            )
        });
    let (head, body) = (String::from_utf8_lossy(&raw[..end]), &raw[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers
        .get("transfer-encoding")
        .is_some_and(|value| value == "chunked");
    let body = if chunked {
        join_chunks(body)
    } else {
        body.to_vec()
    };
    HttpResponse {
        status: status.expect("a status code"),
        headers,
        body,
    }
}

fn join_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|s| usize::from_str_radix(s, 16).ok());
        let (size, start) = (size.expect("a chunk size"), end + 2);
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
    }
    body
}
