//! Host names to addresses, without libc: `/etc/hosts`, then the name servers of
//! `/etc/resolv.conf`. A static binary cannot load the resolver modules that libc would use.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Nobody knows the name.
    #[error("lookup {name}{server}: no such host")]
    NoSuchHost {
        /// The name.
        name: String,
        /// Who was asked, if somebody was.
        server: String,
    },
    /// No name server answered.
    #[error("lookup {name} on {server}: {reason}")]
    Server {
        /// The name.
        name: String,
        /// Who was asked.
        server: SocketAddr,
        /// What went wrong.
        reason: String,
    },
}

/// What `/etc/resolv.conf` says, as far as we follow it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Resolver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: usize,
}

/// Finds the addresses of a host, IPv4 first.
pub async fn lookup(host: &str) -> Result<Vec<IpAddr>, LookupError> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let known = in_hosts_file(&read("/etc/hosts"), host);
    if !known.is_empty() {
        return Ok(known);
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Ok(vec![
            [127, 0, 0, 1].into(),
            IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ]);
    }
    Resolver::parse(&read("/etc/resolv.conf"))
        .lookup(host)
        .await
}

fn read(path: &str) -> String {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn in_hosts_file(text: &str, host: &str) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for line in text.lines() {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else {
            continue;
        };
        if words.any(|name| name.eq_ignore_ascii_case(host)) && !found.contains(&address) {
            found.push(address);
        }
    }
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

impl Resolver {
    fn parse(text: &str) -> Self {
        let mut resolver = Self {
            ndots: 1,
            ..Self::default()
        };
        for line in text.lines() {
            let mut words = line
                .split(['#', ';'])
                .next()
                .unwrap_or_default()
                .split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    resolver
                        .servers
                        .extend(address.map(|ip| SocketAddr::new(ip, 53)));
                }
                Some("search" | "domain") => {
                    resolver.search = words.map(str::to_owned).collect();
                }
                Some("options") => {
                    let dots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    resolver.ndots = dots.unwrap_or(resolver.ndots);
                }
                _ => {}
            }
        }
        if resolver.servers.is_empty() {
            resolver
                .servers
                .push(SocketAddr::from(([127, 0, 0, 1], 53)));
        }
        resolver
    }

    /// The names to ask for, best first.
    fn candidates(&self, host: &str) -> Vec<String> {
        if host.ends_with('.') {
            return vec![host.to_owned()];
        }
        let full = format!("{host}.");
        let searched = self
            .search
            .iter()
            .map(|domain| format!("{host}.{}.", domain.trim_matches('.')));
        if host.matches('.').count() >= self.ndots {
            std::iter::once(full).chain(searched).collect()
        } else {
            searched.chain([full]).collect()
        }
    }

    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let mut failure = None;
        for name in self.candidates(host) {
            match self.ask_servers(host, &name).await {
                Ok(addresses) if addresses.is_empty() => {}
                Ok(addresses) => return Ok(addresses),
                Err(error) => failure = Some(error),
            }
        }
        let server = self
            .servers
            .first()
            .map(|s| format!(" on {s}"))
            .unwrap_or_default();
        Err(failure.unwrap_or_else(|| LookupError::NoSuchHost {
            name: host.to_owned(),
            server,
        }))
    }

    async fn ask_servers(&self, host: &str, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let mut failure = None;
        for server in &self.servers {
            match ask_both(*server, name).await {
                Ok(addresses) => return Ok(addresses),
                Err(error) => {
                    let reason = reason(&error);
                    let name = host.to_owned();
                    failure = Some(LookupError::Server {
                        name,
                        server: *server,
                        reason,
                    });
                }
            }
        }
        failure.map_or_else(|| Ok(Vec::new()), Err)
    }
}

async fn ask_both(server: SocketAddr, name: &str) -> io::Result<Vec<IpAddr>> {
    let (four, six) = tokio::join!(
        ask(server, name, RecordType::A),
        ask(server, name, RecordType::AAAA)
    );
    let mut found = four?;
    // A server that is bad at IPv6 does not spoil the answer it gave for IPv4.
    found.extend(six.unwrap_or_default());
    Ok(found)
}

async fn ask(server: SocketAddr, name: &str, kind: RecordType) -> io::Result<Vec<IpAddr>> {
    let name = Name::from_ascii(name).map_err(io::Error::other)?;
    let mut question = Message::new(rand_id()?, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, kind));
    let bytes = question.to_vec().map_err(io::Error::other)?;
    let mut answer = over_udp(server, &bytes, question.metadata.id).await?;
    if answer.metadata.truncation {
        answer = timeout(ANSWER_WAIT, over_tcp(server, &bytes)).await??;
    }
    match answer.metadata.response_code {
        ResponseCode::NoError => Ok(answer
            .answers
            .iter()
            .filter_map(|r| address(&r.data))
            .collect()),
        ResponseCode::NXDomain => Ok(Vec::new()),
        code => Err(io::Error::other(format!("server misbehaving: {code}"))),
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(four) => Some(IpAddr::V4(four.0)),
        RData::AAAA(six) => Some(IpAddr::V6(six.0)),
        _ => None,
    }
}

async fn over_udp(server: SocketAddr, question: &[u8], id: u16) -> io::Result<Message> {
    let any: SocketAddr = if server.is_ipv6() {
        ([0u16; 8], 0).into()
    } else {
        ([0u8; 4], 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    for _attempt in 0..ATTEMPTS {
        socket.send(question).await?;
        let mut buffer = [0; 4096];
        match timeout(ANSWER_WAIT, receive(&socket, &mut buffer, id)).await {
            Ok(answer) => return answer,
            Err(_elapsed) => {}
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "i/o timeout"))
}

/// Waits for the answer to our question; other datagrams are not ours.
async fn receive(socket: &UdpSocket, buffer: &mut [u8], id: u16) -> io::Result<Message> {
    loop {
        let length = socket.recv(buffer).await?;
        let parsed = buffer.get(..length).map(Message::from_vec);
        if let Some(Ok(message)) = parsed
            && message.metadata.id == id
        {
            return Ok(message);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(question).await?;
    let mut bytes = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut bytes).await?;
    Message::from_vec(&bytes).map_err(io::Error::other)
}

/// The system's words without the number, in small letters.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}

fn rand_id() -> io::Result<u16> {
    let mut bytes = [0; 2];
    aws_lc_rs::rand::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u16::from_ne_bytes(bytes))
}

const ATTEMPTS: u32 = 2;
const ANSWER_WAIT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_is_read_like_libc_reads_it() {
        let text = "127.0.0.1 localhost # me\n::1 h\n10.0.0.1\tx  H\n#10.0.0.2 h\nbad h\n";
        let found = in_hosts_file(text, "h");
        assert_eq!(
            found,
            [
                "10.0.0.1".parse::<IpAddr>().unwrap(),
                "::1".parse().unwrap()
            ]
        );
        assert!(in_hosts_file(text, "nope").is_empty());
    }

    #[test]
    fn short_names_try_the_search_domains_first() {
        let text = "nameserver 10.0.0.53\nsearch a.example b.example.\noptions edns0 ndots:2\n";
        let resolver = Resolver::parse(text);
        assert_eq!(resolver.servers, [SocketAddr::from(([10, 0, 0, 53], 53))]);
        assert_eq!(
            resolver.candidates("h"),
            ["h.a.example.", "h.b.example.", "h."]
        );
        assert_eq!(resolver.candidates("h.b.c")[0], "h.b.c.");
        assert_eq!(resolver.candidates("h."), ["h."]);
    }

    #[test]
    fn without_a_resolv_conf_the_local_server_is_asked() {
        assert_eq!(
            Resolver::parse("").servers,
            [SocketAddr::from(([127, 0, 0, 1], 53))]
        );
    }
}
