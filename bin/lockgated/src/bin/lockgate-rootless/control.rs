//! The socket on which the daemon asks for ports (`lockgate_net::outside`).

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lockgate_net::outside::{Answer, MAX_LINE, Port, Request};
use rustix::io::Errno;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::forward::Forward;
use crate::note;
use crate::outside::{Outside, floor};

/// The ports that are open.
struct Ports {
    outside: Outside,
    open: BTreeMap<Port, Open>,
}

struct Open {
    forward: Forward,
    /// An earlier daemon opened it, and this one has not asked for it yet.
    doubtful: bool,
}

/// Makes the socket, for its owner only.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(|error| {
        let text = format!("cannot listen on {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    })?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the daemon that connected last, until it says `quit`.
pub(crate) async fn serve(listener: UnixListener, outside: Outside) -> io::Result<()> {
    let mut ports = Ports {
        outside,
        open: BTreeMap::new(),
    };
    let mut current: Option<BufReader<UnixStream>> = None;
    loop {
        let line = tokio::select! {
            accepted = listener.accept() => {
                current = Some(BufReader::new(accepted?.0));
                continue;
            }
            line = read_line(&mut current) => line,
        };
        match ports.converse(line, &mut current).await {
            Ok(After::Quit) => return Ok(()),
            Ok(After::More) => {}
            Err(error) => {
                if error.kind() != io::ErrorKind::UnexpectedEof {
                    note(&format!("control socket: {error}"));
                }
                current = None;
            }
        }
    }
}

enum After {
    Quit,
    More,
}

/// One line, however long it takes; given up only for a newer connection.
async fn read_line(current: &mut Option<BufReader<UnixStream>>) -> io::Result<String> {
    let Some(reader) = current else {
        return std::future::pending().await;
    };
    let mut line = String::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    match reader.take(limit).read_line(&mut line).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

impl Ports {
    async fn converse(
        &mut self,
        line: io::Result<String>,
        current: &mut Option<BufReader<UnixStream>>,
    ) -> io::Result<After> {
        let request: Request = line?.parse().map_err(io::Error::other)?;
        let answer = self.answer(request);
        if let Some(writer) = current {
            writer.write_all(format!("{answer}\n").as_bytes()).await?;
        }
        Ok(match request {
            Request::Quit => After::Quit,
            _ => After::More,
        })
    }

    fn answer(&mut self, request: Request) -> Answer {
        let outcome = match request {
            Request::Begin => {
                for port in self.open.values_mut() {
                    port.doubtful = true;
                }
                Ok(())
            }
            Request::Open(port) => self.open(port),
            Request::Aim(port, target) => match self.open.get(&port) {
                Some(open) => {
                    open.forward.aim(target);
                    Ok(())
                }
                None => Err(Errno::NOENT.into()),
            },
            Request::Close(port) => {
                self.open.remove(&port);
                Ok(())
            }
            Request::Sweep => {
                self.open.retain(|_, open| !open.doubtful);
                Ok(())
            }
            Request::Quit => {
                self.open.clear();
                Ok(())
            }
        };
        match outcome {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Refused {
                errno: error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()),
                floor: floor(),
            },
        }
    }

    fn open(&mut self, port: Port) -> io::Result<()> {
        if let Some(open) = self.open.get_mut(&port) {
            if !open.doubtful {
                return Err(Errno::ADDRINUSE.into());
            }
            open.doubtful = false;
            return Ok(());
        }
        let socket = self.outside.bind(port)?;
        let forward = Forward::start(port.proto, socket)?;
        let doubtful = false;
        self.open.insert(port, Open { forward, doubtful });
        Ok(())
    }
}
