//! A daemon behind TLS that does what a test says.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use lockgate_testkit::{Daemon, DaemonOptions, HttpResponse, NetNs, eventually, run};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::authority::Authority;

const ADDRESS: &str = "127.0.0.1:2376";

/// What is done with each connection that comes, before the first byte of HTTP.
type Serve = dyn Fn(TcpStream) + Send + Sync;

/// A daemon behind TCP and the door before it, in one network.
pub(super) struct Behind {
    pub(super) door: Daemon,
    serve: Arc<Mutex<Arc<Serve>>>,
    /// Requests that came through.
    asked: Arc<AtomicUsize>,
    pub(super) files: tempfile::TempDir,
}

impl Behind {
    /// A door that believes this authority, and shows a certificate of it.
    pub(super) fn believing(authority: &Authority, args: &[&str]) -> Self {
        let netns = NetNs::new("lgt");
        let files = tempfile::tempdir().unwrap();
        furnish(files.path(), authority, "door");
        let mut all = vec![format!("--guard=tcp://{ADDRESS}")];
        for (flag, name) in [
            ("cacert", "ca.pem"),
            ("cert", "cert.pem"),
            ("key", "key.pem"),
        ] {
            all.push(format!(
                "--guard-tls{flag}={}",
                files.path().join(name).display()
            ));
        }
        let here = files.path().display().to_string();
        all.extend(args.iter().map(|arg| arg.replace("HERE", &here)));
        let listener = listen_in(&netns);
        let door = Daemon::start_in(
            netns,
            DaemonOptions {
                args: all,
                config: None,
            },
        );
        let nobody: Arc<Serve> = Arc::new(drop);
        let serve = Arc::new(Mutex::new(nobody));
        let current = Arc::clone(&serve);
        // It ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serve = Arc::clone(&current.lock().unwrap());
                thread::spawn(move || serve(stream.unwrap()));
            }
        });
        let asked = Arc::default();
        Self {
            door,
            serve,
            asked,
            files,
        }
    }

    pub(super) fn by(&self, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> &Self {
        *self.serve.lock().unwrap() = Arc::new(serve);
        self
    }

    /// A daemon with this certificate from now on; it answers who its client is, once on each connection.
    pub(super) fn with(&self, config: ServerConfig) -> &Self {
        let (config, asked) = (Arc::new(config), Arc::clone(&self.asked));
        self.by(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut byte) {
                    Ok(1) => head.push(byte[0]),
                    _ => return,
                }
            }
            asked.fetch_add(1, Ordering::SeqCst);
            let client = stream.conn.peer_certificates().map_or(0, <[_]>::len);
            let text = format!("{:?} {client}", stream.conn.protocol_version().unwrap());
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            );
            drop(stream.write_all(answer.as_bytes()));
            stream.conn.send_close_notify();
            drop(stream.flush());
        })
    }

    pub(super) fn list(&self) -> HttpResponse {
        self.door.api("GET", "/containers/json", None)
    }

    #[track_caller]
    pub(super) fn works(&self) {
        let answer = self.list();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The daemon is not believed: it is asked nothing, and the client is told why.
    #[track_caller]
    pub(super) fn refused(&self, why: &str) {
        let before = self.asked.load(Ordering::SeqCst);
        let answer = self.list();
        assert_eq!(answer.status, 502, "{}", answer.text());
        let text = answer.text();
        assert!(text.contains(ADDRESS) && text.contains(why), "{text}");
        assert_eq!(self.asked.load(Ordering::SeqCst), before);
    }

    pub(super) fn reload(&self) {
        let reloads = || self.door.log().matches("reload").count();
        let before = reloads();
        let pid = self.door.pid().to_string();
        run(lockgate_testkit::program("kill").args(["-HUP", &pid]), b"").ok();
        eventually("the door has reloaded", || {
            (reloads() > before).then_some(())
        });
    }
}

/// The files of the door, as `ca.pem cert.pem key.pem`.
pub(super) fn furnish(folder: &Path, authority: &Authority, name: &str) {
    let own = authority.client(name);
    for (file, text) in [
        ("ca.pem", authority.certificate.as_str()),
        ("cert.pem", &own.certificate),
        ("key.pem", &own.key),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
}

/// A socket stays in the network in which it was made.
fn listen_in(netns: &NetNs) -> TcpListener {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    let file = fs::File::open(netns.path()).unwrap();
    let make = move || {
        use std::os::fd::AsFd as _;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        TcpListener::bind(ADDRESS).unwrap()
    };
    thread::spawn(make).join().unwrap()
}
