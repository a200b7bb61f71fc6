//! A socket before a daemon's that answers pulls of images which the daemon has.
//!
//! Some test suites pull before each test. Everything else goes through as it is.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use lockgate_testkit::request;

/// The socket; it ends with the process.
pub(crate) struct Pulls {
    socket: PathBuf,
}

impl Pulls {
    pub(crate) fn before(daemon: &Path, socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let daemon = daemon.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let daemon = daemon.clone();
                // A connection that breaks off is the client's business.
                thread::spawn(move || drop(one(client, &daemon)));
            }
        });
        Self {
            socket: socket.to_owned(),
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// One connection, which has one request: the clients that come here keep none.
fn one(mut client: UnixStream, daemon: &Path) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let line = String::from_utf8_lossy(&head);
    let line = line.lines().next().unwrap_or_default();
    if let Some(image) = pulled(line) {
        let there = request(daemon, "GET", &format!("/images/{image}/json"), None).status == 200;
        let (status, text) = if there {
            ("200 OK", r#"{"status":"Image is up to date","id":"linux"}"#)
        } else {
            ("404 Not Found", r#"{"message":"no such image"}"#)
        };
        let length = text.len();
        return write!(
            client,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        );
    }
    let mut server = UnixStream::connect(daemon)?;
    server.write_all(&head)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    drop(io::copy(&mut server, &mut client));
    drop(client.shutdown(Shutdown::Both));
    drop(upwards.join());
    Ok(())
}

/// The image that a request line asks to pull.
fn pulled(line: &str) -> Option<String> {
    let target = line.strip_prefix("POST ")?.split(' ').next()?;
    let (path, query) = target.split_once('?')?;
    if !path.ends_with("/images/create") {
        return None;
    }
    let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key));
    let image = value("fromImage=")?.replace("%3A", ":").replace("%2F", "/");
    match value("tag=").filter(|tag| !tag.is_empty()) {
        Some(tag) => Some(format!("{image}:{tag}")),
        None => Some(image),
    }
}
