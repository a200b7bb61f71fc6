//! Several requests in one `send`.

use std::io;

use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;

use super::message::{ACK, Meaning, REQUEST};
use super::{Progress, Socket};

/// Requests about links, addresses and routes that the kernel handles one after the other.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    socket: &'a mut Socket,
    first: u32,
    bytes: Vec<u8>,
    requests: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(socket: &'a mut Socket) -> Self {
        let first = socket.sequence.wrapping_add(1);
        Self {
            socket,
            first,
            bytes: Vec::with_capacity(512),
            requests: 0,
        }
    }

    pub(crate) fn push(&mut self, content: RouteNetlinkMessage, flags: u16) {
        let sequence = self.socket.next_sequence();
        append(&mut self.bytes, content, REQUEST | ACK | flags, sequence);
        self.requests += 1;
    }

    /// Sends them; the first failure is the answer, and those after it were tried all the same.
    pub(crate) fn execute(self) -> io::Result<()> {
        self.socket.send(&self.bytes)?;
        let mut outcome = Ok(());
        let mut open = self.requests;
        self.socket.receive(self.first, |received| {
            if let Meaning::End(end) = received.meaning() {
                open -= 1;
                outcome = std::mem::replace(&mut outcome, Ok(())).and(end);
            }
            Ok(if open == 0 {
                Progress::Complete
            } else {
                Progress::More
            })
        })?;
        outcome
    }
}

/// Encodes one message after those in `bytes`.
pub(super) fn append(bytes: &mut Vec<u8>, content: RouteNetlinkMessage, flags: u16, sequence: u32) {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(content));
    message.finalize();
    let start = bytes.len();
    bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
    if let Some(space) = bytes.get_mut(start..) {
        message.serialize(space);
    }
}
