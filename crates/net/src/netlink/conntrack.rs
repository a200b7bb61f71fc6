//! Forgetting flows of datagrams.
//!
//! The kernel decides once per flow where its packets go. A client that sends on from the same
//! port would, after a container came or went, talk to where the port led before; TCP starts anew.

use std::io;
use std::net::Ipv4Addr;

use super::attribute::Attributes;
use super::filter::{FilterSocket, Kind, append};
use super::message::{ACK, Meaning, REQUEST};
use super::{Element, Progress};
use crate::Protocol;

impl FilterSocket {
    /// Forgets flows that were sent to the host ports of these elements.
    ///
    /// Kernels before 6.9 cannot pick flows that way, and one without connection tracking has
    /// none; both are no error.
    pub(crate) fn forget_flows_to(&mut self, elements: &[Element]) -> io::Result<()> {
        for element in elements
            .iter()
            .filter(|element| element.proto == Protocol::Udp)
        {
            let mut flags = PROTOCOL_NUMBER | DESTINATION_PORT;
            let mut address = Attributes::new();
            if let Some(ip) = element.host_ip {
                flags |= DESTINATION_IP;
                address = address.bytes(IP_V4_DESTINATION, &ip.octets());
            }
            let protocol = Attributes::new()
                .bytes(PROTO_NUMBER, &[element.proto.number()])
                .bytes(PROTO_DESTINATION_PORT, &element.host_port.to_be_bytes());
            let tuple = tuple(&address, &protocol);
            let filter = Attributes::new().bytes(FILTER_ORIGINAL, &flags.to_ne_bytes());
            self.delete(
                &Attributes::new()
                    .nested(TUPLE_ORIGINAL, &tuple)
                    .nested(FILTER, &filter),
            )?;
        }
        Ok(())
    }

    /// Forgets flows of datagrams that a container answers.
    pub(crate) fn forget_flows_answered_by(&mut self, ip: Ipv4Addr) -> io::Result<()> {
        let address = Attributes::new().bytes(IP_V4_SOURCE, &ip.octets());
        let protocol = Attributes::new().bytes(PROTO_NUMBER, &[Protocol::Udp.number()]);
        let flags = SOURCE_IP | PROTOCOL_NUMBER;
        let filter = Attributes::new().bytes(FILTER_REPLY, &flags.to_ne_bytes());
        let tuple = tuple(&address, &protocol);
        self.delete(
            &Attributes::new()
                .nested(TUPLE_REPLY, &tuple)
                .nested(FILTER, &filter),
        )
    }

    fn delete(&mut self, attributes: &Attributes) -> io::Result<()> {
        let sequence = self.0.next_sequence();
        let mut bytes = Vec::new();
        append(
            &mut bytes,
            Kind::conntrack(DELETE),
            REQUEST | ACK,
            sequence,
            attributes,
        );
        self.0.send(&bytes)?;
        let outcome = self
            .0
            .receive(sequence, |received| match received.meaning() {
                Meaning::End(end) => end.map(|()| Progress::Complete),
                Meaning::Content => Ok(Progress::More),
            });
        match outcome {
            Err(error) if is_unsupported(&error) => Ok(()),
            other => other,
        }
    }
}

fn tuple(address: &Attributes, protocol: &Attributes) -> Attributes {
    Attributes::new()
        .nested(TUPLE_IP, address)
        .nested(TUPLE_PROTO, protocol)
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::NotFound | io::ErrorKind::Unsupported
    )
}

// linux/netfilter/nfnetlink_conntrack.h
const DELETE: u8 = 2;
const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const FILTER: u16 = 25;
const FILTER_ORIGINAL: u16 = 1;
const FILTER_REPLY: u16 = 2;
const TUPLE_IP: u16 = 1;
const TUPLE_PROTO: u16 = 2;
const IP_V4_SOURCE: u16 = 1;
const IP_V4_DESTINATION: u16 = 2;
const PROTO_NUMBER: u16 = 1;
const PROTO_DESTINATION_PORT: u16 = 3;

/// Which parts of a tuple have to match.
const SOURCE_IP: u32 = 1 << 0;
const DESTINATION_IP: u32 = 1 << 1;
const PROTOCOL_NUMBER: u32 = 1 << 3;
const DESTINATION_PORT: u32 = 1 << 5;
