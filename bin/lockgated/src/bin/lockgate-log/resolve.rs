//! Addresses of hosts: a static glibc has no resolver of use, so the hosts file and the name servers of
//! `/etc/resolv.conf` are asked here.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};

const ANSWER: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;

/// The addresses of a host, IPv4 first.
pub(crate) fn lookup(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let known = in_hosts_file(&read("/etc/hosts"), host);
    if !known.is_empty() {
        return Ok(known);
    }
    if host == "localhost" {
        return Ok(vec![[127, 0, 0, 1].into()]);
    }
    let mut found = Vec::new();
    for server in servers(&read("/etc/resolv.conf")) {
        for kind in [RecordType::A, RecordType::AAAA] {
            found.extend(ask(server, host, kind).unwrap_or_default());
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(io::Error::other(format!("lookup {host}: no such host")))
}

fn in_hosts_file(text: &str, host: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        if let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>)
            && words.any(|name| name.eq_ignore_ascii_case(host))
        {
            found.push(address);
        }
    }
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

fn servers(text: &str) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|rest| rest.trim().parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, 53))
        .collect()
}

fn ask(server: SocketAddr, host: &str, kind: RecordType) -> io::Result<Vec<IpAddr>> {
    let name = Name::from_ascii(host).map_err(io::Error::other)?;
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    let id = u16::from_ne_bytes(id);
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, kind));
    let bytes = question.to_vec().map_err(io::Error::other)?;
    let any: SocketAddr = if server.is_ipv6() {
        ([0_u16; 8], 0).into()
    } else {
        ([0_u8; 4], 0).into()
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(ANSWER))?;
    for _ in 0..ATTEMPTS {
        socket.send(&bytes)?;
        let mut buffer = [0; 4096];
        let Ok(length) = socket.recv(&mut buffer) else {
            continue;
        };
        let answer = Message::from_vec(buffer.get(..length).unwrap_or_default())
            .map_err(io::Error::other)?;
        if answer.metadata.id == id {
            return Ok(answer
                .answers
                .iter()
                .filter_map(|record| address(&record.data))
                .collect());
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_and_the_servers_are_read() {
        let hosts = "::1 me\n10.0.0.1 logs me # you\n";
        assert_eq!(in_hosts_file(hosts, "ME").len(), 2);
        assert!(in_hosts_file(hosts, "you").is_empty());
        assert_eq!(
            servers("search x\nnameserver 10.0.0.53\n"),
            ["10.0.0.53:53".parse().unwrap()]
        );
    }
}
