//! One container's place in the network: what is asked for, and what it got.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use lockgate_types::ContainerId;
use serde::{Deserialize, Serialize};

/// What a container asks of the network.
#[derive(Clone, Debug)]
pub struct AttachRequest {
    /// Whose endpoint it is; also names the namespace file.
    pub container: ContainerId,
    /// A fixed address inside the subnet, or `None` for the lowest free one.
    pub ip: Option<Ipv4Addr>,
    /// A fixed hardware address, or `None` for one derived from the address.
    pub mac: Option<Mac>,
    /// The ports to publish.
    pub ports: Vec<PortRequest>,
    /// Where it goes inside the container.
    pub place: Place,
}

/// Where an endpoint goes inside its container's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the link, `eth0`.
    pub link: String,
    /// The namespace is there already; otherwise it is made.
    pub joins: bool,
    /// Whether everything that is not of a network of the container's goes this way.
    pub default_route: bool,
}

impl Default for Place {
    /// The only endpoint of a container.
    fn default() -> Self {
        Self {
            link: first_link(),
            joins: false,
            default_route: true,
        }
    }
}

/// The name that programs in containers expect.
fn first_link() -> String {
    "eth0".to_owned()
}

/// One port to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRequest {
    /// The port inside the container.
    pub container_port: u16,
    /// Its protocol.
    pub proto: Protocol,
    /// The host address, or `None` for the network's default.
    pub host_ip: Option<IpAddr>,
    /// The host port or the range to take the first free one of; `None` or `0..=0` for one of
    /// the kernel's ephemeral range.
    pub host_port: Option<RangeInclusive<u16>>,
}

/// A container's place in the network; a plain record that survives the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose it is.
    pub container: ContainerId,
    /// The file that the network namespace is bound to.
    pub netns: PathBuf,
    /// The host's end of the veth pair.
    pub host_veth: String,
    /// The container's end.
    #[serde(default = "first_link")]
    pub link: String,
    /// Its network leads nowhere else, so the gateway is no way out.
    #[serde(default)]
    pub internal: bool,
    /// The address.
    pub ip: Ipv4Addr,
    /// The subnet's prefix length.
    pub prefix_len: u8,
    /// The default route.
    pub gateway: Ipv4Addr,
    /// The hardware address, `02:42:…`.
    pub mac: String,
    /// The published ports.
    pub ports: Vec<PublishedPort>,
}

/// One published port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// The port inside the container.
    pub container_port: u16,
    /// Its protocol.
    pub proto: Protocol,
    /// The host address, `0.0.0.0` for all of them.
    pub host_ip: Ipv4Addr,
    /// The host port.
    pub host_port: u16,
}

/// A protocol that ports are published for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variants are the words of the API")]
pub enum Protocol {
    Tcp,
    Udp,
}

/// A text names no protocol that can be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Known to Docker, not built here.
    #[error("publishing ports of protocol sctp is not supported")]
    Sctp,
    /// Not a protocol with ports.
    #[error("invalid proto: {0}")]
    Unknown(String),
}

impl Protocol {
    /// The word on the wire, `tcp` or `udp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The number in the IP header.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            "sctp" => Err(ProtocolError::Sctp),
            _ => Err(ProtocolError::Unknown(text.to_owned())),
        }
    }
}

/// A hardware address of a single interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac([u8; 6]);

/// A text is no hardware address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a valid mac address")]
pub struct MacError(String);

impl Mac {
    /// `02:42:` and the address: the same container address has the same hardware address, so
    /// that neighbours' caches stay right when an address passes on.
    pub(crate) fn of(ip: Ipv4Addr) -> Self {
        let [a, b, c, d] = ip.octets();
        Self([0x02, 0x42, a, b, c, d])
    }

    /// A random address of the locally administered range.
    pub(crate) fn random() -> Self {
        let mut octets = [0; 6];
        #[expect(
            clippy::expect_used,
            reason = "getrandom(2) cannot fail once the kernel has booted"
        )]
        getrandom::fill(&mut octets).expect("the kernel's random generator");
        octets[0] = 0x02;
        octets[1] = 0x42;
        Self(octets)
    }

    /// The six bytes.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octet) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{octet:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Mac {
    type Err = MacError;

    /// Six two-digit groups, separated by colons or dashes; no group address.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let invalid = || MacError(text.to_owned());
        let mut octets = [0_u8; 6];
        let mut groups = text.split([':', '-']);
        for octet in &mut octets {
            let group = groups.next().filter(|g| g.len() == 2).ok_or_else(invalid)?;
            if !group.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *octet = u8::from_str_radix(group, 16).map_err(|_not_hex| invalid())?;
        }
        let is_group = octets[0] & 1 == 1;
        if groups.next().is_some() || is_group || octets == [0; 6] {
            return Err(invalid());
        }
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_follow_the_address() {
        assert_eq!(
            Mac::of(Ipv4Addr::new(172, 17, 0, 2)).to_string(),
            "02:42:ac:11:00:02"
        );
    }

    #[test]
    fn hardware_addresses_parse_and_print() {
        let mac: Mac = "AA-e3-89-50-37-a2".parse().unwrap();
        assert_eq!(mac.to_string(), "aa:e3:89:50:37:a2");
        for bad in [
            "",
            "aa:bb",
            "aa:e3:89:50:37:a2:00",
            "01:00:5e:00:00:01",
            "+1:e3:89:50:37:a2",
            "é",
        ] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sctp_is_refused_by_name() {
        assert_eq!("SCTP".parse::<Protocol>(), Err(ProtocolError::Sctp));
        assert_eq!("TCP".parse::<Protocol>(), Ok(Protocol::Tcp));
        assert_eq!(
            "icmp".parse::<Protocol>(),
            Err(ProtocolError::Unknown("icmp".into()))
        );
    }
}
