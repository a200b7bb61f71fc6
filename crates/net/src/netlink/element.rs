//! A published port as key and value of a map.

use std::net::Ipv4Addr;

use crate::Protocol;

/// One published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) proto: Protocol,
    /// `None`: all addresses of the host.
    pub(crate) host_ip: Option<Ipv4Addr>,
    pub(crate) host_port: u16,
    pub(crate) container_ip: Ipv4Addr,
    pub(crate) container_port: u16,
}

impl Element {
    pub(super) fn key(&self) -> Vec<u8> {
        let [high, low] = self.host_port.to_be_bytes();
        let mut key = vec![self.proto.number(), 0, 0, 0];
        key.extend(self.host_ip.iter().flat_map(Ipv4Addr::octets));
        key.extend([high, low, 0, 0]);
        key
    }

    pub(super) fn value(&self) -> [u8; 8] {
        let [a, b, c, d] = self.container_ip.octets();
        let [high, low] = self.container_port.to_be_bytes();
        [a, b, c, d, high, low, 0, 0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: Element = Element {
        proto: Protocol::Tcp,
        host_ip: Some(Ipv4Addr::new(10, 0, 0, 1)),
        host_port: 8080,
        container_ip: Ipv4Addr::new(172, 17, 0, 2),
        container_port: 80,
    };

    #[test]
    fn keys_and_values_are_padded_to_four_bytes() {
        assert_eq!(WEB.key(), [6, 0, 0, 0, 10, 0, 0, 1, 0x1f, 0x90, 0, 0]);
        assert_eq!(WEB.value(), [172, 17, 0, 2, 0, 80, 0, 0]);
        let any = Element {
            host_ip: None,
            proto: Protocol::Udp,
            ..WEB
        };
        assert_eq!(any.key(), [17, 0, 0, 0, 0x1f, 0x90, 0, 0]);
    }
}
