//! A collector: takes what comes over HTTP and remembers it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Path, head and JSON of each request.
type Taken = Arc<Mutex<Vec<(String, String, Value)>>>;

pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    taken: Taken,
}

impl Collector {
    /// Answers requests with these statuses in turn, the last one for ever.
    pub(crate) fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Taken::default();
        let seen = Arc::clone(&taken);
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let status = statuses[number.min(statuses.len() - 1)];
                answer(socket.unwrap(), status, &seen);
            }
        });
        Self { address, taken }
    }

    pub(crate) fn endpoint(&self) -> lockgate_telemetry::Endpoint {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn taken(&self) -> Vec<(String, String, Value)> {
        self.taken.lock().unwrap().clone()
    }

    /// The bodies of all records that came in.
    pub(crate) fn lines(&self) -> Vec<String> {
        let records = |request: &(String, String, Value)| {
            let records = &request.2["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
            records.as_array().cloned().unwrap_or_default()
        };
        let all = self.taken();
        let texts = all.iter().flat_map(records);
        texts
            .map(|record| record["body"]["stringValue"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn answer(mut socket: TcpStream, status: u16, taken: &Taken) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let (head, length) = loop {
        let count = socket.read(&mut buffer).unwrap();
        if count == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap();
            break (
                head,
                length.lines().next().unwrap().parse::<usize>().unwrap(),
            );
        }
    };
    while bytes.len() < length {
        let count = socket.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..count]);
    }
    let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    if status == 200 {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let body = serde_json::from_slice(&bytes).unwrap();
        taken.lock().unwrap().push((path, head, body));
    }
    // Whoever asked may have gone.
    socket.write_all(text.as_bytes()).unwrap_or_default();
}

/// Waits until something is so, for twenty seconds at most.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
