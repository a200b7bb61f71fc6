//! Names that may stand in a certificate, checked where they come in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use lockgate_types::ErrorKind;
use thiserror::Error;

/// Why a text is no name for a certificate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// The address stands for no single host.
    #[error("{0} is no address of a host: give one that clients connect to")]
    Address(IpAddr),
    /// A letter that host names do not have.
    #[error("name {name:?} contains {letter:?}: use letters, digits, hyphens and dots{advice}")]
    Character {
        /// The name.
        name: String,
        /// The first letter that is refused.
        letter: char,
        /// What to do about it, beginning with a space.
        advice: &'static str,
    },
    /// The name of a client has a letter that is refused.
    #[error(
        "client name {name:?} contains {letter:?}: use letters, digits and . _ @ + -, beginning \
         with a letter or digit"
    )]
    ClientCharacter {
        /// The name.
        name: String,
        /// The first letter that is refused.
        letter: char,
    },
    /// Nothing at all.
    #[error("an empty name cannot stand in a certificate: give a host name or an IP address")]
    Empty,
    /// A label that is empty, too long, or begins or ends with a hyphen.
    #[error("name {0:?} has a part that is empty, longer than 63 or edged by a hyphen: correct it")]
    Label(String),
    /// Longer than the format allows.
    #[error("name of {length} characters is too long: use at most {limit}")]
    Length {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The last label is a number, so that the whole would be read as an address.
    #[error("name {0:?} ends in a number: write a complete IP address or a host name")]
    Numeric(String),
    /// The name of a role has a letter that is refused.
    #[error(
        "role {name:?} contains {letter:?}: use letters, digits and . _ @ + -, beginning with a \
         letter or digit"
    )]
    RoleCharacter {
        /// The name.
        name: String,
        /// The first letter that is refused.
        letter: char,
    },
    /// A dot at the end; many clients never match such a name.
    #[error("name {0:?} ends with a dot, which no client matches: remove the dot")]
    TrailingDot(String),
    /// A wildcard.
    #[error("name {0:?} is a wildcard, which is not issued: list the hosts one by one")]
    Wildcard(String),
}

impl NameError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// A name that a server is reached by: a host name or an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectName {
    /// A host name, in lower case.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
}

impl SubjectName {
    /// Reads a list as people know it from openssl: `DNS:host,IP:10.0.0.1`, the prefixes optional.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, NameError> {
        text.split(',')
            .map(|name| name.trim_matches(' ').parse())
            .collect()
    }
}

impl FromStr for SubjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (name, address_wanted) = match text.split_once(':') {
            Some(("DNS" | "dns", rest)) => (rest, false),
            Some(("IP" | "ip", rest)) => (rest, true),
            _ => (text, false),
        };
        let bare = name
            .strip_prefix('[')
            .and_then(|n| n.strip_suffix(']'))
            .unwrap_or(name);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return check_address(address).map(Self::Ip);
        }
        if address_wanted {
            return Err(NameError::Numeric(name.to_owned()));
        }
        check_host_name(name).map(Self::Dns)
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl From<IpAddr> for SubjectName {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

/// The name of a client: what an administrator writes into the policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientName(String);

impl ClientName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_length(text, COMMON_NAME_MAX)?;
        let refused = text.char_indices().find(|&(at, c)| {
            !(c.is_ascii_alphanumeric() || at > 0 && matches!(c, '.' | '_' | '@' | '+' | '-'))
        });
        match refused {
            Some((_, letter)) => Err(NameError::ClientCharacter {
                name: text.to_owned(),
                letter,
            }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an authority or of an organisation: free text that cannot forge a line of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityName(String);

impl AuthorityName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AuthorityName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_length(text, COMMON_NAME_MAX)?;
        let fits = |c: char| c.is_alphanumeric() || " -_.,'()&+:/@#".contains(c);
        let advice = ", spaces and -_.,'()&+:/@#";
        match text.chars().find(|&c| !fits(c)) {
            Some(letter) => Err(NameError::Character {
                name: text.to_owned(),
                letter,
                advice,
            }),
            None if text.trim() != text => Err(NameError::Character {
                name: text.to_owned(),
                letter: ' ',
                advice: " inside",
            }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_address(address: IpAddr) -> Result<IpAddr, NameError> {
    let mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    if address.is_unspecified() || address.is_multicast() || mapped || broadcast {
        return Err(NameError::Address(address));
    }
    Ok(address)
}

/// Checks a host name by the preferred syntax of RFC 1034 and returns it in lower case.
pub(crate) fn check_host_name(name: &str) -> Result<String, NameError> {
    if let Some(letter) = name.chars().find(|c| c.is_control()) {
        return Err(NameError::Character {
            name: name.to_owned(),
            letter,
            advice: "",
        });
    }
    check_length(name, HOST_NAME_MAX)?;
    if name.contains('*') {
        return Err(NameError::Wildcard(name.to_owned()));
    }
    if name.ends_with('.') {
        return Err(NameError::TrailingDot(name.to_owned()));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if let Some(letter) = name.chars().find(|&c| !fits(c)) {
        let advice = if letter.is_ascii() {
            ""
        } else {
            ", and punycode (xn--) for anything else"
        };
        return Err(NameError::Character {
            name: name.to_owned(),
            letter,
            advice,
        });
    }
    let good_label = |label: &str| {
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    if !name.split('.').all(good_label) {
        return Err(NameError::Label(name.to_owned()));
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NameError::Numeric(name.to_owned()));
    }
    Ok(name.to_ascii_lowercase())
}

fn check_length(text: &str, limit: usize) -> Result<(), NameError> {
    match text.chars().count() {
        0 => Err(NameError::Empty),
        length if length > limit => Err(NameError::Length { length, limit }),
        _ => Ok(()),
    }
}

/// The longest common name that X.520 allows.
pub(crate) const COMMON_NAME_MAX: usize = 64;
/// The longest host name of DNS, written out.
const HOST_NAME_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_and_addresses_are_told_apart() {
        let list =
            SubjectName::parse_list("DNS:Build.Example,IP:10.0.0.1, [::1],localhost").unwrap();
        let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["build.example", "10.0.0.1", "::1", "localhost"]);
        assert!(matches!(list[2], SubjectName::Ip(_)));
    }

    // T: moby#51367
    #[test]
    fn names_that_clients_cannot_match_are_refused() {
        let long = format!("{}.example", "a.".repeat(140));
        let label = "a".repeat(64);
        for bad in [
            "",
            "host.",
            ".",
            "*.example",
            "a..b",
            "-a",
            "a-",
            "a_b",
            "a b",
            "1.2.3",
            "300.1.1.1",
            "b\u{fc}cher.example",
            "a\nb",
            "a\0",
            "0.0.0.0",
            "::",
            "ff02::1",
            "::ffff:10.0.0.1",
            "IP:host",
            "fe80::1%eth0",
            &long,
            &label,
        ] {
            assert!(bad.parse::<SubjectName>().is_err(), "{bad:?}");
        }
    }

    // T: hostile-names
    #[test]
    fn client_names_cannot_leave_their_directory() {
        for good in ["alice", "ci-1", "ops@example.org", "A.B_c+d"] {
            assert_eq!(good.parse::<ClientName>().unwrap().as_str(), good);
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "../x",
            "-rf",
            "a b",
            "a\nb",
            "\u{202e}a",
            "a:b",
            &long,
        ] {
            assert!(bad.parse::<ClientName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn authority_names_hold_no_control_or_direction_marks() {
        assert_eq!(
            "B\u{fc}ro 3".parse::<AuthorityName>().unwrap().as_str(),
            "B\u{fc}ro 3"
        );
        for bad in ["", " x", "x\n", "a\u{202e}b", "a\u{200b}b", "a\"b"] {
            assert!(bad.parse::<AuthorityName>().is_err(), "{bad:?}");
        }
    }
}
