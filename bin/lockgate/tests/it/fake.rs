//! A daemon made of threads: it answers what a test tells it to, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// What the daemon was asked, or sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the daemon answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole answer.
    Json(u16, String),
    /// No body.
    Empty(u16),
    /// A whole answer of another kind.
    Bytes(&'static str, Vec<u8>),
    /// 101: then stdin is read to its end, and once a container is started these bytes are sent.
    Upgrade(Vec<u8>),
    /// The head at once; the body once the output of the container is out.
    Later(String),
    /// Bytes as they are, and then the end.
    Raw(Vec<u8>),
}

/// `[stream, 0, 0, 0, length] text`.
pub(crate) fn frame(stream: u8, text: &str) -> Vec<u8> {
    let mut bytes = vec![stream, 0, 0, 0];
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

type Script = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// What the connections have in common.
#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    started: Flag,
    said: Flag,
}

/// Something that happens once.
#[derive(Default)]
struct Flag {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    fn set(&self) {
        *self.is_set.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let guard = self.is_set.lock().unwrap();
        drop(self.changed.wait_while(guard, |is_set| !*is_set).unwrap());
    }
}

/// A running fake daemon.
pub(crate) struct Fake {
    /// For `DOCKER_HOST`.
    pub(crate) url: String,
    shared: Arc<Shared>,
    _folder: Option<TempDir>,
}

impl Fake {
    /// Listens on a unix socket.
    pub(crate) fn unix(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let shared = Arc::new(Shared::default());
        let (script, all): (Script, _) = (Arc::new(script), Arc::clone(&shared));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (script, shared) = (Arc::clone(&script), Arc::clone(&all));
                let stream = stream.unwrap();
                thread::spawn(move || serve(stream, number + 1, &script, &shared));
            }
        });
        Self {
            url: format!("unix://{}", path.display()),
            shared,
            _folder: Some(folder),
        }
    }

    /// Listens on TCP, with TLS if there is a configuration for it.
    pub(crate) fn tcp(
        tls: Option<ServerConfig>,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let (script, all): (Script, _) = (Arc::new(script), Arc::clone(&shared));
        let tls = tls.map(Arc::new);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (script, shared) = (Arc::clone(&script), Arc::clone(&all));
                let stream = stream.unwrap();
                let tls = tls.clone();
                thread::spawn(move || match tls {
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(
                            StreamOwned::new(connection, stream),
                            number + 1,
                            &script,
                            &shared,
                        );
                    }
                    None => serve(stream, number + 1, &script, &shared),
                });
            }
        });
        Self {
            url: format!("tcp://127.0.0.1:{port}"),
            shared,
            _folder: None,
        }
    }

    /// Everything that was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// `METHOD path` of everything that was asked, without what is the same in all.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shorten = |path: &str| path.replace(ID, "ID").replace("/v1.50", "");
        self.seen()
            .iter()
            .map(|seen| format!("{} {}", seen.method, shorten(&seen.path)))
            .collect()
    }
}

/// The container's ID.
pub(crate) const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Answers what every client asks: the version.
pub(crate) fn ping(seen: &Seen) -> Option<Reply> {
    seen.path.ends_with("/_ping").then_some(Reply::Empty(200))
}

fn serve<S: Read + Write>(stream: S, number: usize, script: &Script, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    while let Some(mut seen) = read_request(&mut stream, number) {
        shared.seen.lock().unwrap().push(seen.clone());
        let reply = script(&seen);
        let is_start = seen.path.ends_with("/start") && seen.path.contains("/containers/");
        let done = match reply {
            Reply::Upgrade(bytes) => {
                put(&mut stream, UPGRADED.as_bytes());
                let mut stdin = Vec::new();
                // A client that is gone has sent everything.
                stream.read_to_end(&mut stdin).unwrap_or_default();
                "STDIN".clone_into(&mut seen.method);
                seen.body = String::from_utf8_lossy(&stdin).into_owned();
                shared.seen.lock().unwrap().push(seen.clone());
                if !seen.path.contains("/exec/") {
                    shared.started.wait();
                }
                put(&mut stream, &bytes);
                shared.said.set();
                return;
            }
            Reply::Later(body) => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                            Transfer-Encoding: chunked\r\n\r\n";
                put(&mut stream, head.as_bytes());
                shared.said.wait();
                let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                put(&mut stream, chunk.as_bytes())
            }
            Reply::Raw(bytes) => {
                put(&mut stream, &bytes);
                return;
            }
            Reply::Json(status, body) => put(
                &mut stream,
                &whole(status, "application/json", body.as_bytes()),
            ),
            Reply::Bytes(kind, body) => put(&mut stream, &whole(200, kind, &body)),
            Reply::Empty(status) => put(&mut stream, &whole(status, "text/plain", b"")),
        };
        if is_start {
            shared.started.set();
        }
        if !done {
            return;
        }
    }
}

const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nContent-Type: \
    application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

fn whole(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let version = "Api-Version: 1.55\r\nOstype: linux";
    let head = if status == 204 {
        format!("HTTP/1.1 204 No Content\r\n{version}\r\n\r\n")
    } else {
        format!(
            "HTTP/1.1 {status} Status\r\n{version}\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    [head.as_bytes(), body].concat()
}

/// Says whether the client still listens.
fn put<S: Read + Write>(stream: &mut BufReader<S>, bytes: &[u8]) -> bool {
    let stream = stream.get_mut();
    stream
        .write_all(bytes)
        .and_then(|()| stream.flush())
        .is_ok()
}

fn read_request<S: Read>(stream: &mut BufReader<S>, connection: usize) -> Option<Seen> {
    let first = line(stream)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let text = line(stream)?;
        let Some((name, value)) = text.split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        connection,
        method,
        path,
        headers,
        body: String::new(),
    };
    let body = match seen.header("content-length") {
        Some(length) => {
            let mut body = vec![0; length.parse().ok()?];
            stream.read_exact(&mut body).ok()?;
            body
        }
        None if seen.header("transfer-encoding") == Some("chunked") => read_chunks(stream)?,
        None => Vec::new(),
    };
    seen.body = String::from_utf8_lossy(&body).into_owned();
    Some(seen)
}

fn read_chunks<S: Read>(stream: &mut BufReader<S>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&line(stream)?, 16).ok()?;
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend(chunk.get(..length)?);
    }
}

fn line<S: Read>(stream: &mut BufReader<S>) -> Option<String> {
    let mut text = String::new();
    let length = stream.read_line(&mut text).ok()?;
    (length > 0).then(|| text.trim_end().to_owned())
}
