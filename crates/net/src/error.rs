//! What can go wrong, sorted by whose fault it is.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use lockgate_types::ErrorKind;

use crate::{IpamError, Protocol};

/// A network operation failed.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A bridge name that the kernel or the rule set would not take.
    #[error("invalid bridge name `{0}`")]
    BridgeName(String),
    /// A link of that name exists and is no bridge.
    #[error("link exists and is no bridge: `{0}`")]
    NotABridge(String),
    /// A table name that the rule set would not take.
    #[error("invalid nftables table name `{0}`")]
    TableName(String),
    /// The bridge's address is not one of its subnet.
    #[error("gateway {gateway} is no host address of subnet {subnet}")]
    Gateway {
        /// The address asked for.
        gateway: Ipv4Addr,
        /// The subnet.
        subnet: Ipv4Net,
    },
    /// Every default subnet overlaps a route of the host.
    #[error("could not find an available, non-overlapping IPv4 address pool")]
    NoSubnet,
    /// The container has an endpoint already.
    #[error("container `{0}` is attached already")]
    Attached(String),
    /// An address could not be given.
    #[error(transparent)]
    Ipam(#[from] IpamError),
    /// A port could not be published.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The rules could not be changed.
    #[error(transparent)]
    Firewall(#[from] FirewallError),
    /// A request about links, addresses or routes failed.
    #[error("{step}")]
    Link {
        /// What was to be done.
        step: &'static str,
        /// To which link.
        link: String,
        /// Why not.
        source: io::Error,
    },
    /// A network namespace could not be made, entered or removed.
    #[error("{step}")]
    Namespace {
        /// What was to be done.
        step: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A kernel setting could not be changed.
    #[error("cannot set kernel parameter `{name}`")]
    Sysctl {
        /// The parameter.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// The process that publishes ports on the host does not answer.
    #[error("cannot publish ports on the host")]
    Outside(#[source] io::Error),
    /// The bridge's own record could not be read or written.
    #[error("cannot keep the network's state")]
    State(#[source] io::Error),
}

impl NetError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BridgeName(_) | Self::TableName(_) | Self::Gateway { .. } => {
                ErrorKind::InvalidInput
            }
            Self::NotABridge(_) | Self::Attached(_) => ErrorKind::Conflict,
            Self::NoSubnet => ErrorKind::Exhausted,
            Self::Ipam(error) => error.kind(),
            Self::Port(error) => error.kind(),
            Self::Firewall(error) => error.kind(),
            Self::Link { .. }
            | Self::Namespace { .. }
            | Self::Sysctl { .. }
            | Self::Outside(_)
            | Self::State(_) => ErrorKind::Internal,
        }
    }
}

/// A port could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another container of this network has it.
    #[error("Bind for {ip}:{port} failed: port is already allocated")]
    Allocated {
        /// The host address.
        ip: Ipv4Addr,
        /// The host port.
        port: u16,
    },
    /// The host has it in use, or has no such address.
    #[error("failed to bind host port {ip}:{port}/{proto}: {}", reason(cause))]
    Bind {
        /// The host address.
        ip: Ipv4Addr,
        /// The host port.
        port: u16,
        /// The protocol.
        proto: Protocol,
        /// Why not; part of the text, because clients look for the words.
        cause: io::Error,
    },
    /// An ordinary user may not have it.
    #[error(
        "failed to bind host port {ip}:{port}/{proto}: permission denied: cannot expose privileged port {port}, \
         you can add 'net.ipv4.ip_unprivileged_port_start={port}' to /etc/sysctl.conf (currently {floor}), or \
         choose a larger port number (>= {floor})"
    )]
    Privileged {
        /// The host address.
        ip: Ipv4Addr,
        /// The host port.
        port: u16,
        /// The protocol.
        proto: Protocol,
        /// The first port that ordinary users may have.
        floor: u16,
    },
    /// No port of the range is free.
    #[error("all ports are allocated")]
    Exhausted,
    /// A range that runs backwards.
    #[error("invalid port range {start}-{end}")]
    Range {
        /// Its first port.
        start: u16,
        /// Its last port.
        end: u16,
    },
    /// Ports are published on IPv4 addresses only.
    #[error("publishing ports on IPv6 addresses is not supported: `{0}`")]
    Ipv6(IpAddr),
}

impl PortError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            // dockerd answers a port conflict at start with 500.
            Self::Allocated { .. }
            | Self::Bind { .. }
            | Self::Privileged { .. }
            | Self::Exhausted => ErrorKind::Internal,
            Self::Range { .. } => ErrorKind::InvalidInput,
            Self::Ipv6(_) => ErrorKind::Unsupported,
        }
    }
}

/// The words that programs know these errors by.
fn reason(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => cause.to_string(),
    }
}

/// The packet filter's rules could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// `nft` could not be run.
    #[error("cannot run nft")]
    Spawn(#[source] io::Error),
    /// `nft` refused the rules.
    #[error("nft refused the rules: {0}")]
    Refused(String),
    /// `iptables-legacy`, whose table drops what is forwarded, could not be run.
    #[error("cannot run iptables-legacy")]
    SpawnIptables(#[source] io::Error),
    /// `iptables-legacy` refused the accept rules.
    #[error("iptables-legacy refused the rules: {0}")]
    RefusedByIptables(String),
    /// The kernel refused a change of elements.
    #[error("cannot change published ports")]
    Elements(#[source] io::Error),
}

impl FirewallError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Spawn(_) | Self::SpawnIptables(_) => ErrorKind::Unavailable,
            Self::Refused(_) | Self::RefusedByIptables(_) | Self::Elements(_) => {
                ErrorKind::Internal
            }
        }
    }
}
