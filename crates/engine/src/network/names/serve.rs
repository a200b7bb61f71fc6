//! Serving one container's queries.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lockgate_net::dns::{self, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Sight, View};
use crate::engine::Inner;

/// How long another server may take, as in Docker's resolver.
const PATIENCE: Duration = Duration::from_secs(4);
/// Queries of one container that may be on their way at one time; more are not answered.
const IN_FLIGHT: usize = 256;
/// What a datagram may hold for a client that does not say otherwise.
const DATAGRAM: usize = 512;
/// The longest message there is.
const LONGEST: usize = 65_535;

/// Answers until it is aborted, or the engine is gone.
pub(super) async fn run(engine: Weak<Inner>, sight: Arc<Sight>, sockets: dns::Sockets) {
    let opened = UdpSocket::from_std(sockets.udp)
        .and_then(|udp| Ok((udp, TcpListener::from_std(sockets.tcp)?)));
    let (udp, tcp) = match opened {
        Ok(sockets) => sockets,
        Err(error) => {
            tracing::error!(container = %sight.container, %error, "no name server");
            return;
        }
    };
    let server = Server {
        engine,
        sight,
        free: Arc::new(Semaphore::new(IN_FLIGHT)),
    };
    tokio::join!(server.datagrams(Arc::new(udp)), server.connections(tcp));
}

#[derive(Clone)]
struct Server {
    engine: Weak<Inner>,
    sight: Arc<Sight>,
    free: Arc<Semaphore>,
}

impl Server {
    async fn datagrams(&self, socket: Arc<UdpSocket>) {
        let mut buffer = vec![0; LONGEST];
        while self.engine.strong_count() > 0 {
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
                continue;
            };
            let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
                continue;
            };
            let query = buffer.get(..length).unwrap_or_default().to_vec();
            let (server, socket) = (self.clone(), Arc::clone(&socket));
            tokio::spawn(async move {
                if let Some(answer) = server.answer(&query, Way::Datagram).await {
                    // Who has gone meanwhile needs no answer.
                    drop(socket.send_to(&answer, from).await);
                }
                drop(permit);
            });
        }
    }

    async fn connections(&self, listener: TcpListener) {
        while self.engine.strong_count() > 0 {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
                continue;
            };
            let server = self.clone();
            tokio::spawn(async move {
                drop(timeout(PATIENCE * 4, server.conversation(stream)).await);
                drop(permit);
            });
        }
    }

    async fn conversation(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let query = receive(&mut stream).await?;
            let Some(answer) = self.answer(&query, Way::Stream).await else {
                return Ok(());
            };
            send(&mut stream, &answer).await?;
        }
    }

    async fn answer(&self, query: &[u8], way: Way) -> Option<Vec<u8>> {
        let (verdict, leads_out) = {
            let engine = self.engine.upgrade()?;
            let view = View::new(&engine, &self.sight);
            (dns::judge(query, &view)?, view.place.leads_out)
        };
        match verdict {
            Verdict::Answer(bytes) if way == Way::Datagram && bytes.len() > DATAGRAM => {
                dns::truncated(&bytes)
            }
            Verdict::Answer(bytes) => Some(bytes),
            Verdict::Forward if leads_out => self.forward(query, way).await,
            Verdict::Forward => dns::failure(query),
        }
    }

    /// Asks one server after the other.
    async fn forward(&self, query: &[u8], way: Way) -> Option<Vec<u8>> {
        for ip in &self.sight.servers {
            let server = SocketAddr::new(*ip, 53);
            let asking = async {
                match way {
                    Way::Datagram => self.ask(server, query).await,
                    Way::Stream => self.ask_long(server, query).await,
                }
            };
            match timeout(PATIENCE, asking).await {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => tracing::debug!(%server, %error, "a name server failed"),
                Err(_elapsed) => tracing::debug!(%server, "a name server does not answer"),
            }
        }
        dns::failure(query)
    }

    async fn ask(&self, server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
        let socket = if dns::is_of_host(server.ip()) {
            let socket = UdpSocket::bind(any(server)).await?;
            socket.connect(server).await?;
            socket
        } else {
            let netns = self.sight.netns.clone();
            let opening =
                tokio::task::spawn_blocking(move || dns::forwarding_socket(&netns, server));
            UdpSocket::from_std(opening.await.map_err(io::Error::other)??)?
        };
        socket.send(query).await?;
        let mut buffer = vec![0; LONGEST];
        loop {
            let length = socket.recv(&mut buffer).await?;
            let answer = buffer.get(..length).unwrap_or_default();
            // Only the answer to this question passes.
            if answer.get(..2) == query.get(..2) {
                return Ok(answer.to_vec());
            }
        }
    }

    async fn ask_long(&self, server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = if dns::is_of_host(server.ip()) {
            TcpStream::connect(server).await?
        } else {
            let netns = self.sight.netns.clone();
            let opening = tokio::task::spawn_blocking(move || {
                dns::forwarding_stream(&netns, server, PATIENCE)
            });
            TcpStream::from_std(opening.await.map_err(io::Error::other)??)?
        };
        send(&mut stream, query).await?;
        receive(&mut stream).await
    }
}

/// How a query came, and so how it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Datagram,
    Stream,
}

fn any(server: SocketAddr) -> SocketAddr {
    if server.is_ipv6() {
        ([0u16; 8], 0).into()
    } else {
        ([0u8; 4], 0).into()
    }
}

async fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(message);
    stream.write_all(&bytes).await
}
