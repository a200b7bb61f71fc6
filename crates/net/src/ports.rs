//! Host ports: which are taken, and holding those that are ours.
//!
//! Packets to a published port never reach a socket, they are sent on before. A bound socket per
//! port is held all the same: the kernel then tells apart what is free and what is not, and keeps
//! everybody else from taking a port that would silently get no traffic.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use crate::outside::{Answer, Outside, Port, Request};
use crate::{PortError, PortRequest, Protocol, PublishedPort};

/// The host ports of all networks.
#[derive(Debug)]
pub(crate) struct Ports {
    ephemeral: RangeInclusive<u16>,
    /// Where the search for a free ephemeral port goes on.
    next: u16,
    held: BTreeMap<Key, Hold>,
    /// Who publishes them, if this is not the host's network.
    outside: Option<Outside>,
}

/// What keeps a port ours.
#[derive(Debug)]
enum Hold {
    /// A socket that is bound to it.
    Socket {
        #[expect(dead_code, reason = "closing it would give the port away")]
        bound: OwnedFd,
    },
    /// The process outside.
    Outside,
    /// Nothing: somebody else took it while no daemon ran.
    Nothing,
}

type Key = (Protocol, u16, Ipv4Addr);

impl Ports {
    pub(crate) fn new() -> Self {
        let ephemeral = ephemeral_range();
        Self {
            next: *ephemeral.start(),
            ephemeral,
            held: BTreeMap::new(),
            outside: None,
        }
    }

    /// Those of a host that only the process at the other end of `outside` can reach.
    pub(crate) fn behind(mut outside: Outside) -> io::Result<Self> {
        outside.ask(Request::Begin)?;
        Ok(Self {
            outside: Some(outside),
            ..Self::new()
        })
    }

    /// Says where connections to these ports go, if somebody must be told.
    pub(crate) fn aim(
        &mut self,
        ports: &[PublishedPort],
        container: Ipv4Addr,
    ) -> Result<(), PortError> {
        let Some(outside) = &mut self.outside else {
            return Ok(());
        };
        for port in ports {
            let target = SocketAddrV4::new(container, port.container_port);
            ask(outside, Request::Aim(outside_port(port), target))?;
        }
        Ok(())
    }

    /// Gives up those that an earlier daemon opened outside and nobody has taken over.
    pub(crate) fn sweep(&mut self) -> io::Result<()> {
        match &mut self.outside {
            Some(outside) => outside.ask(Request::Sweep).map(drop),
            None => Ok(()),
        }
    }

    /// Takes a host port for every request, or none at all.
    pub(crate) fn reserve(
        &mut self,
        requests: &[PortRequest],
        default_ip: Ipv4Addr,
    ) -> Result<Vec<PublishedPort>, PortError> {
        let mut taken = Vec::with_capacity(requests.len());
        for request in requests {
            match self.reserve_one(request, default_ip) {
                Ok(port) => taken.push(port),
                Err(error) => {
                    self.release(&taken);
                    return Err(error);
                }
            }
        }
        Ok(taken)
    }

    pub(crate) fn release(&mut self, ports: &[PublishedPort]) {
        for port in ports {
            let was = self.held.remove(&key(port));
            if let (Some(Hold::Outside), Some(outside)) = (was, &mut self.outside)
                && let Err(error) = ask(outside, Request::Close(outside_port(port)))
            {
                tracing::warn!(%error, "cannot give a port back");
            }
        }
    }

    /// Takes over a port that is published already. It stays published even if somebody else
    /// bound it in the meantime, which the error tells.
    pub(crate) fn adopt(&mut self, port: &PublishedPort) -> Result<(), PortError> {
        let bound = self.hold(port.proto, port.host_ip, port.host_port);
        let (hold, outcome) = match bound {
            Ok(hold) => (hold, Ok(())),
            Err(error) => (Hold::Nothing, Err(error)),
        };
        self.held.insert(key(port), hold);
        outcome
    }

    fn hold(&mut self, proto: Protocol, ip: Ipv4Addr, port: u16) -> Result<Hold, PortError> {
        let Some(outside) = &mut self.outside else {
            let bound = bind_socket(proto, ip, port);
            let bound = bound.map_err(|source| bind_error(proto, ip, port, source))?;
            return Ok(Hold::Socket { bound });
        };
        let address = SocketAddrV4::new(ip, port);
        ask(outside, Request::Open(Port { proto, address }))?;
        Ok(Hold::Outside)
    }

    fn reserve_one(
        &mut self,
        request: &PortRequest,
        default_ip: Ipv4Addr,
    ) -> Result<PublishedPort, PortError> {
        let ip = match request.host_ip {
            None => default_ip,
            Some(IpAddr::V4(ip)) => ip,
            Some(ip @ IpAddr::V6(_)) => return Err(PortError::Ipv6(ip)),
        };
        let host_port = match request
            .host_port
            .as_ref()
            .map(|range| (*range.start(), *range.end()))
        {
            None | Some((0, 0)) => self.take_ephemeral(request.proto, ip)?,
            Some((start, end)) if start == 0 || start > end => {
                return Err(PortError::Range { start, end });
            }
            Some((start, end)) if start == end => self.take(request.proto, ip, start)?,
            Some((start, end)) => {
                let mut candidates = start..=end;
                self.take_first(request.proto, ip, &mut candidates)?
            }
        };
        let PortRequest {
            container_port,
            proto,
            ..
        } = *request;
        Ok(PublishedPort {
            container_port,
            proto,
            host_ip: ip,
            host_port,
        })
    }

    fn take_ephemeral(&mut self, proto: Protocol, ip: Ipv4Addr) -> Result<u16, PortError> {
        let (first, last) = (*self.ephemeral.start(), *self.ephemeral.end());
        let mut candidates = (self.next..=last).chain(first..self.next);
        let port = self.take_first(proto, ip, &mut candidates)?;
        self.next = if port == last { first } else { port + 1 };
        Ok(port)
    }

    fn take_first(
        &mut self,
        proto: Protocol,
        ip: Ipv4Addr,
        candidates: &mut dyn Iterator<Item = u16>,
    ) -> Result<u16, PortError> {
        for port in candidates {
            match self.take(proto, ip, port) {
                Err(PortError::Allocated { .. }) => {}
                Err(PortError::Bind { cause, .. }) if cause.kind() == io::ErrorKind::AddrInUse => {}
                outcome => return outcome,
            }
        }
        Err(PortError::Exhausted)
    }

    fn take(&mut self, proto: Protocol, ip: Ipv4Addr, port: u16) -> Result<u16, PortError> {
        if self.is_held(proto, ip, port) {
            return Err(PortError::Allocated { ip, port });
        }
        let hold = self.hold(proto, ip, port)?;
        self.held.insert((proto, port, ip), hold);
        Ok(port)
    }

    /// Whether one of ours has it; an address conflicts with itself and with "all of them".
    fn is_held(&self, proto: Protocol, ip: Ipv4Addr, port: u16) -> bool {
        let all = (proto, port, Ipv4Addr::UNSPECIFIED)..=(proto, port, Ipv4Addr::BROADCAST);
        self.held
            .range(all)
            .any(|((.., held), _)| *held == ip || held.is_unspecified() || ip.is_unspecified())
    }
}

fn key(port: &PublishedPort) -> Key {
    (port.proto, port.host_port, port.host_ip)
}

fn outside_port(port: &PublishedPort) -> Port {
    Port {
        proto: port.proto,
        address: SocketAddrV4::new(port.host_ip, port.host_port),
    }
}

/// Asks about one port; the answer's number becomes the error that the host's own would be.
fn ask(outside: &mut Outside, request: Request) -> Result<(), PortError> {
    let (Request::Open(about) | Request::Close(about) | Request::Aim(about, _)) = request else {
        return Ok(());
    };
    let Port { proto, address } = about;
    let (ip, port) = (*address.ip(), address.port());
    match outside.ask(request) {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Refused { errno, floor })
            if port < floor && errno == Errno::ACCESS.raw_os_error() =>
        {
            Err(PortError::Privileged {
                ip,
                port,
                proto,
                floor,
            })
        }
        Ok(Answer::Refused { errno, .. }) => {
            let cause = io::Error::from_raw_os_error(errno);
            Err(bind_error(proto, ip, port, cause))
        }
        Err(cause) => Err(bind_error(proto, ip, port, cause)),
    }
}

fn bind_error(proto: Protocol, ip: Ipv4Addr, port: u16, cause: io::Error) -> PortError {
    PortError::Bind {
        ip,
        port,
        proto,
        cause,
    }
}

fn bind_socket(proto: Protocol, ip: Ipv4Addr, port: u16) -> io::Result<OwnedFd> {
    let kind = match proto {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let socket = socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, None)?;
    let address = SocketAddrV4::new(ip, port);
    match (bind(&socket, &address), proto) {
        (Ok(()), _) => {}
        (Err(Errno::ADDRINUSE), Protocol::Tcp) => {
            // It may be a connection of an earlier server that is not quite forgotten. A live
            // server is found with this option, too. Without it nobody can bind the port later.
            sockopt::set_socket_reuseaddr(&socket, true)?;
            bind(&socket, &address)?;
            sockopt::set_socket_reuseaddr(&socket, false)?;
        }
        (Err(errno), _) => return Err(errno.into()),
    }
    if proto == Protocol::Udp {
        // Whatever slips past the rules is not to be kept in memory.
        sockopt::set_socket_recv_buffer_size(&socket, 0)?;
    }
    Ok(socket)
}

fn ephemeral_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    parse_range(&text).unwrap_or(DEFAULT_RANGE)
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_whitespace().map(str::parse);
    let (start, end) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (0 < start && start <= end).then_some(start..=end)
}

/// The kernel's own default.
const DEFAULT_RANGE: RangeInclusive<u16> = 32768..=60999;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

    fn request(proto: Protocol, host_port: Option<RangeInclusive<u16>>) -> PortRequest {
        PortRequest {
            container_port: 80,
            proto,
            host_ip: Some(LOOPBACK.into()),
            host_port,
        }
    }

    fn ports_of(taken: &[PublishedPort]) -> Vec<u16> {
        taken.iter().map(|port| port.host_port).collect()
    }

    #[test]
    fn a_port_of_another_process_is_refused_with_the_kernels_reason() {
        let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut ports = Ports::new();
        let error = ports
            .reserve(&[request(Protocol::Tcp, Some(port..=port))], LOOPBACK)
            .unwrap_err();
        let expected =
            format!("failed to bind host port 127.0.0.1:{port}/tcp: address already in use");
        assert_eq!(error.to_string(), expected);
        let taken = ports
            .reserve(&[request(Protocol::Udp, Some(port..=port))], LOOPBACK)
            .unwrap();
        assert!(UdpSocket::bind((LOOPBACK, port)).is_err(), "it is held");
        ports.release(&taken);
        UdpSocket::bind((LOOPBACK, port)).unwrap();
    }

    #[test]
    fn a_port_of_ours_is_refused_in_dockers_words() {
        let mut ports = Ports::new();
        let port = ports
            .reserve(&[request(Protocol::Tcp, None)], LOOPBACK)
            .unwrap()[0]
            .host_port;
        let error = ports
            .reserve(&[request(Protocol::Tcp, Some(port..=port))], LOOPBACK)
            .unwrap_err();
        let expected = format!("Bind for 127.0.0.1:{port} failed: port is already allocated");
        assert_eq!(error.to_string(), expected);
        let any = PortRequest {
            host_ip: Some(Ipv4Addr::UNSPECIFIED.into()),
            ..request(Protocol::Tcp, Some(port..=port))
        };
        assert!(matches!(
            ports.reserve(&[any], LOOPBACK),
            Err(PortError::Allocated { .. })
        ));
    }

    #[test]
    fn a_range_gives_its_first_free_port_and_then_ends() {
        let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let first = listener.local_addr().unwrap().port();
        let range = Some(first..=first.saturating_add(1));
        let mut ports = Ports::new();
        if let Ok(taken) = ports.reserve(&[request(Protocol::Tcp, range.clone())], LOOPBACK) {
            assert_eq!(ports_of(&taken), [first + 1]);
        }
        let error = ports
            .reserve(&[request(Protocol::Tcp, range)], LOOPBACK)
            .unwrap_err();
        assert!(matches!(error, PortError::Exhausted));
        let backwards = Some(RangeInclusive::new(9, 8));
        ports
            .reserve(&[request(Protocol::Tcp, backwards)], LOOPBACK)
            .unwrap_err();
    }

    #[test]
    fn a_failed_request_gives_all_its_ports_back() {
        let mut ports = Ports::new();
        let bad = PortRequest {
            host_ip: Some("::1".parse().unwrap()),
            ..request(Protocol::Tcp, None)
        };
        let error = ports
            .reserve(&[request(Protocol::Tcp, None), bad], LOOPBACK)
            .unwrap_err();
        assert!(matches!(error, PortError::Ipv6(_)));
        assert!(ports.held.is_empty());
    }

    #[test]
    fn ephemeral_ports_move_on_and_stay_inside_the_range() {
        let mut ports = Ports::new();
        let range = ports.ephemeral.clone();
        let taken = ports
            .reserve(&vec![request(Protocol::Tcp, None); 3], LOOPBACK)
            .unwrap();
        assert!(ports_of(&taken).is_sorted());
        assert!(taken.iter().all(|port| range.contains(&port.host_port)));
        assert_eq!(parse_range("32768\t60999\n"), Some(DEFAULT_RANGE));
        assert_eq!(parse_range("0 0"), None);
    }
}
