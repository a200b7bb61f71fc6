//! Synchronous netlink: one request, its answers, done.
//!
//! The kernel handles a request inside `send`, so every answer lies in the receive queue when it
//! returns, and nothing ever has to be waited for.

mod attribute;
mod batch;
mod conntrack;
mod element;
mod filter;
mod link;
mod message;
mod route;

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{self as protocol, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto,
    socket_with,
};

pub(crate) use batch::Batch;
pub(crate) use element::Element;
pub(crate) use filter::{ElementChange, FilterSocket, PORTS, PORTS_ANY, Policy};
pub(crate) use link::{Link, LinkKind, VethPair};
pub(crate) use route::RouteSocket;

/// A socket of one netlink protocol, tied to the namespace of the thread that opened it.
#[derive(Debug)]
pub(crate) struct Socket {
    descriptor: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(crate) fn route() -> io::Result<Self> {
        // NETLINK_ROUTE is number zero.
        Self::open(None)
    }

    pub(crate) fn netfilter() -> io::Result<Self> {
        Self::open(Some(protocol::NETFILTER))
    }

    fn open(protocol: Option<Protocol>) -> io::Result<Self> {
        let descriptor = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            protocol,
        )?;
        Ok(Self {
            descriptor,
            sequence: 0,
            buffer: vec![0; BUFFER],
        })
    }

    /// A sequence number for the next message.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let kernel = SocketAddrNetlink::new(0, 0);
        let sent = sendto(&self.descriptor, bytes, SendFlags::empty(), &kernel)?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    }

    /// Hands every queued message to `visit` until it says that the exchange is complete.
    ///
    /// Messages with a sequence number below `first` are left over from an exchange that failed
    /// half way, and are skipped.
    pub(crate) fn receive(
        &mut self,
        first: u32,
        mut visit: impl FnMut(message::Received<'_>) -> io::Result<Progress>,
    ) -> io::Result<()> {
        loop {
            // An answer that is not there now will never come.
            let (length, _) = recv(
                &self.descriptor,
                self.buffer.as_mut_slice(),
                RecvFlags::DONTWAIT,
            )?;
            let mut rest = self.buffer.get(..length).unwrap_or_default();
            while let Some((received, after)) = message::Received::split(rest)? {
                rest = after;
                if received.sequence.wrapping_sub(first) > u32::MAX / 2 {
                    continue;
                }
                if visit(received)? == Progress::Complete {
                    return Ok(());
                }
            }
        }
    }
}

/// Whether an exchange goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Complete,
    More,
}

/// The kernel fills at most 32 KiB per read of a dump.
const BUFFER: usize = 32 * 1024;
