//! Published ports as elements of the table's maps, over nfnetlink.
//!
//! ```text
//! map ports      l4proto . address . port -> container address . port     one host address
//! map ports_any  l4proto .           port -> container address . port     all of the host's
//! ```
//!
//! Every part of a key or value is padded to four bytes and is in network byte order. A change is
//! one batch, which the kernel applies as a whole or not at all.

use std::io;

use super::attribute::Attributes;
use super::message::{ACK, CREATE, HEADER, Meaning, REQUEST, u32_at};
use super::{Element, Progress, Socket};

/// What becomes of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ElementChange {
    Add,
    Remove,
}

/// What a base chain does with packets that no rule decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Accept,
    Drop,
}

/// A conversation about the rules of one namespace.
#[derive(Debug)]
pub(crate) struct FilterSocket(pub(super) Socket);

impl FilterSocket {
    pub(crate) fn open() -> io::Result<Self> {
        Socket::netfilter().map(Self)
    }

    /// Adds or removes elements; after an error none of them was.
    pub(crate) fn change(
        &mut self,
        table: &str,
        change: ElementChange,
        elements: &[Element],
    ) -> io::Result<()> {
        let mut batch = FilterBatch::new(&mut self.0);
        batch.change(table, change, elements);
        batch.execute()
    }

    /// Replaces all elements in one step.
    pub(crate) fn replace(&mut self, table: &str, elements: &[Element]) -> io::Result<()> {
        let mut batch = FilterBatch::new(&mut self.0);
        batch.flush(table, PORTS);
        batch.flush(table, PORTS_ANY);
        batch.change(table, ElementChange::Add, elements);
        batch.execute()
    }

    /// The policy of a base chain of family `ip`; `None` if there is no such chain.
    pub(crate) fn policy(&mut self, table: &str, chain: &str) -> io::Result<Option<Policy>> {
        let sequence = self.0.next_sequence();
        let mut bytes = Vec::new();
        let attributes = Attributes::new()
            .text(CHAIN_TABLE, table)
            .text(CHAIN_NAME, chain);
        append(
            &mut bytes,
            Kind::table(GET_CHAIN, FAMILY_IPV4),
            REQUEST | ACK,
            sequence,
            &attributes,
        );
        self.0.send(&bytes)?;
        let mut policy = None;
        let outcome = self
            .0
            .receive(sequence, |received| match received.meaning() {
                Meaning::End(end) => end.map(|()| Progress::Complete),
                Meaning::Content => {
                    policy = Some(policy_of(received.payload));
                    Ok(Progress::More)
                }
            });
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(policy),
        }
    }
}

/// Changes that the kernel makes all or none of.
struct FilterBatch<'a> {
    socket: &'a mut Socket,
    first: u32,
    bytes: Vec<u8>,
}

impl<'a> FilterBatch<'a> {
    fn new(socket: &'a mut Socket) -> Self {
        let first = socket.next_sequence();
        let mut bytes = Vec::with_capacity(1024);
        append(
            &mut bytes,
            Kind::batch(BATCH_BEGIN),
            REQUEST,
            first,
            &Attributes::new(),
        );
        Self {
            socket,
            first,
            bytes,
        }
    }

    fn change(&mut self, table: &str, change: ElementChange, elements: &[Element]) {
        let is_any = |element: &&Element| element.host_ip.is_none();
        let (any, one): (Vec<_>, Vec<_>) = elements.iter().partition(is_any);
        for (set, elements) in [(PORTS, one), (PORTS_ANY, any)] {
            for chunk in elements.chunks(ELEMENTS_PER_MESSAGE) {
                self.push(change, table, set, chunk);
            }
        }
    }

    fn push(&mut self, change: ElementChange, table: &str, set: &str, elements: &[&Element]) {
        let (kind, flags) = match change {
            ElementChange::Add => (NEW_SET_ELEMENT, CREATE),
            ElementChange::Remove => (DELETE_SET_ELEMENT, 0),
        };
        let mut list = Attributes::new();
        for element in elements {
            let mut item = Attributes::new().nested(ELEMENT_KEY, &data(&element.key()));
            if change == ElementChange::Add {
                item = item.nested(ELEMENT_DATA, &data(&element.value()));
            }
            list = list.nested(LIST_ELEMENT, &item);
        }
        let attributes = Attributes::new()
            .text(ELEMENT_LIST_TABLE, table)
            .text(ELEMENT_LIST_SET, set)
            .nested(ELEMENT_LIST_ELEMENTS, &list);
        self.append(kind, flags, &attributes);
    }

    /// A removal that names no elements removes all of them.
    fn flush(&mut self, table: &str, set: &str) {
        let attributes = Attributes::new()
            .text(ELEMENT_LIST_TABLE, table)
            .text(ELEMENT_LIST_SET, set);
        self.append(DELETE_SET_ELEMENT, 0, &attributes);
    }

    fn append(&mut self, kind: u8, flags: u16, attributes: &Attributes) {
        let sequence = self.socket.next_sequence();
        let kind = Kind::table(kind, FAMILY_INET);
        append(
            &mut self.bytes,
            kind,
            REQUEST | ACK | flags,
            sequence,
            attributes,
        );
    }

    fn execute(mut self) -> io::Result<()> {
        let last = self.socket.next_sequence();
        append(
            &mut self.bytes,
            Kind::batch(BATCH_END),
            REQUEST,
            last,
            &Attributes::new(),
        );
        self.socket.send(&self.bytes)?;
        // How many answers come depends on where it failed; all of them are there by now.
        let mut failure = None;
        let drained = self.socket.receive(self.first, |received| {
            if let Meaning::End(Err(error)) = received.meaning() {
                failure = failure.take().or(Some(error));
            }
            Ok(Progress::More)
        });
        match (failure, drained) {
            (Some(error), _) => Err(error),
            (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            (None, _) => Ok(()),
        }
    }
}

fn data(value: &[u8]) -> Attributes {
    Attributes::new().bytes(DATA_VALUE, value)
}

fn policy_of(payload: &[u8]) -> Policy {
    let policy = super::attribute::find(payload.get(4..).unwrap_or_default(), CHAIN_POLICY)
        .and_then(|value| u32_at(value, 0))
        .map(u32::from_be);
    if policy == Some(VERDICT_DROP) {
        Policy::Drop
    } else {
        Policy::Accept
    }
}

/// Message type and the `nfgenmsg` header that follows the frame.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    message: u16,
    family: u8,
    resource: u16,
}

impl Kind {
    fn table(message: u8, family: u8) -> Self {
        Self {
            message: SUBSYSTEM << 8 | u16::from(message),
            family,
            resource: 0,
        }
    }

    pub(super) fn conntrack(message: u8) -> Self {
        let message = CONNTRACK_SUBSYSTEM << 8 | u16::from(message);
        Self {
            message,
            family: FAMILY_IPV4,
            resource: 0,
        }
    }

    fn batch(message: u16) -> Self {
        Self {
            message,
            family: 0,
            resource: SUBSYSTEM,
        }
    }
}

pub(super) fn append(
    bytes: &mut Vec<u8>,
    kind: Kind,
    flags: u16,
    sequence: u32,
    attributes: &Attributes,
) {
    let attributes = attributes.as_bytes();
    let length = HEADER + 4 + attributes.len();
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    bytes.extend(kind.message.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend([kind.family, 0]);
    bytes.extend(kind.resource.to_be_bytes());
    bytes.extend(attributes);
}

/// Map of ports that are published on one host address.
pub(crate) const PORTS: &str = "ports";
/// Map of ports that are published on all host addresses.
pub(crate) const PORTS_ANY: &str = "ports_any";

/// An attribute's length has 16 bits, an element takes 48 bytes at most.
const ELEMENTS_PER_MESSAGE: usize = 1000;

// linux/netfilter/nfnetlink.h and nf_tables.h
const SUBSYSTEM: u16 = 10;
const CONNTRACK_SUBSYSTEM: u16 = 1;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const GET_CHAIN: u8 = 4;
const NEW_SET_ELEMENT: u8 = 12;
const DELETE_SET_ELEMENT: u8 = 14;
const FAMILY_INET: u8 = 1;
const FAMILY_IPV4: u8 = 2;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_POLICY: u16 = 5;
const VERDICT_DROP: u32 = 0;
const ELEMENT_LIST_TABLE: u16 = 1;
const ELEMENT_LIST_SET: u16 = 2;
const ELEMENT_LIST_ELEMENTS: u16 = 3;
const LIST_ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_DATA: u16 = 2;
const DATA_VALUE: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;
    use std::net::Ipv4Addr;

    const WEB: Element = Element {
        proto: Protocol::Tcp,
        host_ip: Some(Ipv4Addr::new(10, 0, 0, 1)),
        host_port: 8080,
        container_ip: Ipv4Addr::new(172, 17, 0, 2),
        container_port: 80,
    };

    #[test]
    fn a_message_has_the_length_that_its_frame_says() {
        let mut bytes = Vec::new();
        let attributes = Attributes::new().text(ELEMENT_LIST_TABLE, "t");
        append(
            &mut bytes,
            Kind::table(NEW_SET_ELEMENT, FAMILY_INET),
            REQUEST,
            7,
            &attributes,
        );
        assert_eq!(u32_at(&bytes, 0), Some(28));
        assert_eq!(bytes[16..], [1, 0, 0, 0, 6, 0, 1, 0, b't', 0, 0, 0]);
    }

    #[test]
    fn a_full_message_fits_an_attributes_length() {
        let item = Attributes::new()
            .nested(ELEMENT_KEY, &data(&WEB.key()))
            .nested(ELEMENT_DATA, &data(&WEB.value()));
        let one = Attributes::new()
            .nested(LIST_ELEMENT, &item)
            .as_bytes()
            .len();
        assert!(one * ELEMENTS_PER_MESSAGE < usize::from(u16::MAX), "{one}");
    }
}
