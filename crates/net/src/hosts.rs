//! A container's `/etc/hosts`.

use std::net::{IpAddr, Ipv4Addr};

/// Who the container is.
#[derive(Clone, Copy, Debug)]
pub struct HostName<'a> {
    /// Its host name.
    pub name: &'a str,
    /// Its domain, may be empty.
    pub domain: &'a str,
}

/// One `--add-host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraHost {
    name: String,
    address: ExtraAddress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExtraAddress {
    Ip(IpAddr),
    /// The word `host-gateway`: whatever address the host has for containers.
    HostGateway,
}

/// A text is no `name:address`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtraHostError {
    /// No name, or no address.
    #[error("bad format for add-host: {0:?}")]
    Format(String),
    /// The address is none.
    #[error("invalid IP address in add-host: {0:?}")]
    Address(String),
}

impl ExtraHost {
    /// Parses `name:address` or `name=address`; the address may be `host-gateway`.
    pub fn parse(text: &str) -> Result<Self, ExtraHostError> {
        let (name, address) = text
            .split_once(['=', ':'])
            .filter(|(name, address)| !address.is_empty() && is_name(name))
            .ok_or_else(|| ExtraHostError::Format(text.to_owned()))?;
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = match bare.unwrap_or(address) {
            "host-gateway" => ExtraAddress::HostGateway,
            ip => ExtraAddress::Ip(
                ip.parse()
                    .map_err(|_no_ip| ExtraHostError::Address(address.to_owned()))?,
            ),
        };
        Ok(Self {
            name: name.to_owned(),
            address,
        })
    }

    fn line(&self, host_gateway: IpAddr) -> String {
        let address = match self.address {
            ExtraAddress::Ip(ip) => ip,
            ExtraAddress::HostGateway => host_gateway,
        };
        format!("{address}\t{}\n", self.name)
    }
}

/// The file for a container in a namespace of its own; without an address it knows itself by its
/// loopback only.
pub fn hosts(
    own: Option<Ipv4Addr>,
    name: HostName<'_>,
    extra: &[ExtraHost],
    host_gateway: IpAddr,
    linked: &[(Ipv4Addr, Vec<String>)],
) -> String {
    let mut text = LOOPBACK.to_owned();
    text.extend(extra.iter().map(|extra| extra.line(host_gateway)));
    // Names of containers keep to a grammar; the host names among them were set by their owners.
    text.extend(linked.iter().map(|(ip, names)| {
        let names: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|n| is_name(n))
            .collect();
        format!("{ip}\t{}\n", names.join(" "))
    }));
    if let Some(ip) = own {
        let HostName { name, domain } = name;
        text += &if domain.is_empty() {
            format!("{ip}\t{name}\n")
        } else {
            format!("{ip}\t{name}.{domain} {name}\n")
        };
    }
    text
}

/// The file for a container in the host's namespace: the host's, and what was added.
pub fn hosts_of_host(host: &str, extra: &[ExtraHost], host_gateway: IpAddr) -> String {
    let mut text = host.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.extend(extra.iter().map(|extra| extra.line(host_gateway)));
    text
}

/// No name may end its line and begin another.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
}

const LOOPBACK: &str = "127.0.0.1\tlocalhost\n\
    ::1\tlocalhost ip6-localhost ip6-loopback\n\
    fe00::\tip6-localnet\n\
    ff00::\tip6-mcastprefix\n\
    ff02::1\tip6-allnodes\n\
    ff02::2\tip6-allrouters\n";

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 17, 0, 1));
    const OWN: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 2);

    #[test]
    fn a_container_finds_itself_and_what_was_added() {
        let extra = [
            "db:10.0.0.5",
            "host.docker.internal:host-gateway",
            "six=[fd00::5]",
            "v6:::1",
        ]
        .map(|text| ExtraHost::parse(text).unwrap());
        let name = HostName {
            name: "web",
            domain: "",
        };
        let text = hosts(Some(OWN), name, &extra, GATEWAY, &[]);
        let expected = "10.0.0.5\tdb\n172.17.0.1\thost.docker.internal\nfd00::5\tsix\n::1\tv6\n\
            172.17.0.2\tweb\n";
        assert_eq!(text.strip_prefix(LOOPBACK), Some(expected));
    }

    #[test]
    fn a_domain_makes_two_names() {
        let name = HostName {
            name: "web",
            domain: "a.example",
        };
        assert!(
            hosts(Some(OWN), name, &[], GATEWAY, &[]).ends_with("172.17.0.2\tweb.a.example web\n")
        );
        assert_eq!(hosts(None, name, &[], GATEWAY, &[]), LOOPBACK);
    }

    #[test]
    fn the_hosts_file_is_kept_in_its_namespace() {
        let extra = [ExtraHost::parse("a:1.2.3.4").unwrap()];
        assert_eq!(
            hosts_of_host("127.0.0.1 x", &extra, GATEWAY),
            "127.0.0.1 x\n1.2.3.4\ta\n"
        );
    }

    #[test]
    fn an_addition_cannot_smuggle_a_line_in() {
        for bad in [
            "",
            "a",
            "a:",
            ":1.2.3.4",
            "a\n6.6.6.6 b:1.2.3.4",
            "a b:1.2.3.4",
        ] {
            assert!(
                matches!(ExtraHost::parse(bad), Err(ExtraHostError::Format(_))),
                "{bad:?}"
            );
        }
        for bad in ["a:nope", "a:1.2.3.4\n6.6.6.6 b", "a:1.2.3"] {
            assert!(
                matches!(ExtraHost::parse(bad), Err(ExtraHostError::Address(_))),
                "{bad:?}"
            );
        }
    }
}
