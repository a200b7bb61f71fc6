//! Networks of containers: a bridge, one network namespace and one veth pair per container,
//! published ports.
//!
//! ```text
//! Bridge::open    bridge link + address, sysctls, one nftables table with maps
//! Bridge::attach  address -> host ports -> namespace -> veth, address, route -> map elements
//! Bridge::detach  the same backwards; never stops at the first failure
//! ```
//!
//! Links, addresses and routes go over rtnetlink. The rules are static and are installed once by
//! `nft -f -`; a published port is one element of a map, added over nfnetlink, so that it costs
//! the same with ten ports or ten thousand. Rules of others (dockerd, firewalld, …) are never
//! changed; only where the `filter` table's FORWARD chain drops by default, two accept rules for
//! the bridge are added there, and removed by [`Bridge::close`].
//!
//! The crate blocks (it is a handful of system calls) and holds no thread of its own but the one
//! that waits for the kernel to take links away. Everything it makes lives in the network
//! namespace of the thread that called [`Bridge::open`], and is to be used from there.
#![forbid(unsafe_code)]

mod bridge;
mod config;
pub mod dns;
mod endpoint;
mod error;
mod firewall;
mod hosts;
mod ipam;
mod netlink;
pub mod netns;
pub mod outside;
mod ports;
mod resolv;
mod statistics;
mod subnet;
mod sysctl;

pub use bridge::close::discard;
pub use bridge::{Bridge, Shared};
pub use config::{Bounds, BridgeConfig};
pub use endpoint::{
    AttachRequest, Endpoint, Mac, MacError, Place, PortRequest, Protocol, ProtocolError,
    PublishedPort,
};
pub use error::{FirewallError, NetError, PortError};
pub use hosts::{ExtraHost, ExtraHostError, HostName, hosts, hosts_of_host};
pub use ipam::{Ipam, IpamError};
pub use resolv::{
    DnsSettings, embedded_resolv_conf, host_resolv_conf, resolv_conf, resolv_conf_of_host,
};
pub use statistics::{InterfaceStatistics, statistics};
pub use subnet::{address_of, pick_subnet};
