//! Requests about links, addresses and routes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage::{self as Message, DelAddress, DelLink, DelRoute};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};

use super::batch::append;
use super::message::{ACK, CREATE, DUMP, EXCLUSIVE, Meaning, REPLACE, REQUEST, malformed};
use super::{Batch, Link, Progress, Socket, VethPair, link};
use crate::Mac;

/// A conversation about the links of one namespace.
#[derive(Debug)]
pub(crate) struct RouteSocket(Socket);

impl RouteSocket {
    pub(crate) fn open() -> io::Result<Self> {
        Socket::route().map(Self)
    }

    pub(crate) fn create_bridge(&mut self, name: &str, mac: Mac, mtu: u32) -> io::Result<()> {
        self.one(
            Message::NewLink(link::bridge(name, mac, mtu)),
            CREATE | EXCLUSIVE,
        )
    }

    pub(crate) fn create_veth(&mut self, pair: &VethPair<'_>) -> io::Result<()> {
        self.one(Message::NewLink(pair.request()), CREATE | EXCLUSIVE)
    }

    /// Settles how a bridge treats a new port of its own.
    pub(crate) fn configure_port(&mut self, index: u32, isolated: bool) -> io::Result<()> {
        self.one(Message::NewLink(link::bridge_port(index, isolated)), 0)
    }

    /// Tells a bridge that the container lives behind this port from now on, even if an earlier
    /// link with the same address is not quite gone. A port whose carrier the kernel has not
    /// noticed yet learns it from the container's first packet instead.
    pub(crate) fn learn(&mut self, port: u32, mac: Mac) -> io::Result<()> {
        match self.one(
            Message::NewNeighbour(link::learned(port, mac)),
            CREATE | REPLACE,
        ) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            outcome => outcome,
        }
    }

    /// Forgets which hardware address a neighbour had.
    pub(crate) fn forget_neighbour(&mut self, index: u32, ip: Ipv4Addr) -> io::Result<()> {
        match self.one(Message::DelNeighbour(link::neighbour(index, ip)), 0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    pub(crate) fn delete_link(&mut self, index: u32) -> io::Result<()> {
        self.one(DelLink(link::numbered(index)), 0)
    }

    /// A link that is gone already is no error.
    pub(crate) fn delete_link_named(&mut self, name: &str) -> io::Result<()> {
        gone_is_fine(self.one(DelLink(link::named(name)), 0))
    }

    /// Deletes many links at the price of one, through a group that nobody else uses.
    pub(crate) fn delete_links(&mut self, names: &[String], group: u32) -> io::Result<()> {
        let mut batch = Batch::new(&mut self.0);
        for name in names {
            batch.push(Message::SetLink(link::grouped(link::named(name), group)), 0);
        }
        let grouped = gone_is_fine(batch.execute());
        let all = link::grouped(LinkMessage::default(), group);
        let deleted = gone_is_fine(self.one(DelLink(all), 0));
        grouped.and(deleted)
    }

    pub(crate) fn set_up(&mut self, index: u32, mtu: u32) -> io::Result<()> {
        let mut message = link::up(index);
        message.attributes.push(LinkAttribute::Mtu(mtu));
        self.one(Message::NewLink(message), 0)
    }

    /// Adds an address, or leaves it as it is.
    pub(crate) fn add_address(&mut self, index: u32, ip: Ipv4Addr, prefix: u8) -> io::Result<()> {
        self.one(
            Message::NewAddress(link::address(index, ip, prefix)),
            CREATE | REPLACE,
        )
    }

    pub(crate) fn delete_address(&mut self, index: u32, net: Ipv4Net) -> io::Result<()> {
        self.one(
            DelAddress(link::address(index, net.addr(), net.prefix_len())),
            0,
        )
    }

    /// Loopback and link up, the address on the container's link, the default route: one `send`.
    pub(crate) fn configure_container(
        &mut self,
        index: u32,
        address: Ipv4Net,
        gateway: Option<Ipv4Addr>,
    ) -> io::Result<()> {
        let address = link::address(index, address.addr(), address.prefix_len());
        let mut batch = Batch::new(&mut self.0);
        for up in [LOOPBACK, index] {
            batch.push(Message::NewLink(link::up(up)), 0);
        }
        batch.push(Message::NewAddress(address), CREATE | EXCLUSIVE);
        if let Some(gateway) = gateway {
            batch.push(
                Message::NewRoute(link::default_route(gateway)),
                CREATE | REPLACE,
            );
        }
        batch.execute()
    }

    /// Sends everything else this way, or nowhere.
    pub(crate) fn set_default_route(
        &mut self,
        gateway: Option<Ipv4Addr>,
        former: Option<Ipv4Addr>,
    ) -> io::Result<()> {
        match (gateway, former) {
            (Some(gateway), _) => self.one(
                Message::NewRoute(link::default_route(gateway)),
                CREATE | REPLACE,
            ),
            (None, Some(former)) => match self.one(DelRoute(link::default_route(former)), 0) {
                // It went with its link.
                Err(error) if error.raw_os_error() == Some(ESRCH) => Ok(()),
                outcome => outcome,
            },
            (None, None) => Ok(()),
        }
    }

    /// Brings a lone loopback up.
    pub(crate) fn loopback_up(&mut self) -> io::Result<()> {
        self.one(Message::NewLink(link::up(LOOPBACK)), 0)
    }

    /// The link of that name, if there is one.
    pub(crate) fn link(&mut self, name: &str) -> io::Result<Option<Link>> {
        let mut found = None;
        let outcome = self.ask(Message::GetLink(link::named(name)), 0, |content| {
            if let Message::NewLink(message) = content {
                found = Some(Link::from_message(&message));
            }
        });
        match outcome {
            Err(error) if error.raw_os_error() == Some(ENODEV) => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(found),
        }
    }

    pub(crate) fn links(&mut self) -> io::Result<Vec<Link>> {
        let mut links = Vec::new();
        self.ask(Message::GetLink(LinkMessage::default()), DUMP, |content| {
            if let Message::NewLink(message) = content {
                links.push(Link::from_message(&message));
            }
        })?;
        Ok(links)
    }

    /// The IPv4 addresses of all links, each with its link's index.
    pub(crate) fn addresses(&mut self) -> io::Result<Vec<(u32, Ipv4Net)>> {
        let mut addresses = Vec::new();
        let mut request = AddressMessage::default();
        request.header.family = AddressFamily::Inet;
        self.ask(Message::GetAddress(request), DUMP, |content| {
            if let Message::NewAddress(message) = content {
                addresses.extend(address_of(&message));
            }
        })?;
        Ok(addresses)
    }

    /// The destinations of all IPv4 routes, less the default ones.
    pub(crate) fn routed_networks(&mut self) -> io::Result<Vec<Ipv4Net>> {
        let mut networks = Vec::new();
        let mut request = RouteMessage::default();
        request.header.address_family = AddressFamily::Inet;
        self.ask(Message::GetRoute(request), DUMP, |content| {
            if let Message::NewRoute(message) = content {
                networks.extend(destination_of(&message));
            }
        })?;
        Ok(networks)
    }

    fn one(&mut self, content: Message, flags: u16) -> io::Result<()> {
        let mut batch = Batch::new(&mut self.0);
        batch.push(content, flags);
        batch.execute()
    }

    fn ask(
        &mut self,
        content: Message,
        flags: u16,
        mut visit: impl FnMut(Message),
    ) -> io::Result<()> {
        let sequence = self.0.next_sequence();
        let mut bytes = Vec::new();
        let ack = if flags == DUMP { 0 } else { ACK };
        append(&mut bytes, content, REQUEST | ack | flags, sequence);
        self.0.send(&bytes)?;
        self.0
            .receive(sequence, |received| match received.meaning() {
                Meaning::End(end) => end.map(|()| Progress::Complete),
                Meaning::Content => {
                    let parsed = NetlinkMessage::deserialize(received.frame)
                        .map_err(|error| io::Error::new(malformed().kind(), error))?;
                    if let NetlinkPayload::InnerMessage(content) = parsed.payload {
                        visit(content);
                    }
                    Ok(Progress::More)
                }
            })
    }
}

fn address_of(message: &AddressMessage) -> Option<(u32, Ipv4Net)> {
    // On a point-to-point link `Address` is the other end's.
    let local = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Local(IpAddr::V4(ip)) => Some(*ip),
            _ => None,
        })?;
    let net = Ipv4Net::new(local, message.header.prefix_len).ok()?;
    Some((message.header.index, net))
}

fn destination_of(message: &RouteMessage) -> Option<Ipv4Net> {
    let destination = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(ip)) => Some(*ip),
            _ => None,
        })?;
    Ipv4Net::new(destination, message.header.destination_prefix_length).ok()
}

fn gone_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.raw_os_error() == Some(ENODEV) => Ok(()),
        other => other,
    }
}

const ENODEV: i32 = 19;
const ESRCH: i32 = 3;

/// The loopback is the first link of every namespace.
const LOOPBACK: u32 = 1;
