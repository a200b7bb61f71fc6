//! What a client's certificate says about it beside its subject: its name and its role, as URIs.
//!
//! ```text
//! https://lockgate.invalid/client/alice
//! https://lockgate.invalid/role/deployer
//! ```
//!
//! `.invalid` never resolves (RFC 2606), so nobody can own the host or be sent there; linters that know
//! no other URIs than the web's accept the form. An alternative name, unlike the subject, is copied from
//! no request unless an authority is told to.

use std::fmt;
use std::str::FromStr;

use crate::name::{ClientName, NameError};

/// The role that a client's certificate carries to every daemon that believes its authority.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(ClientName);

impl RoleName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn uri(&self) -> String {
        format!("{ROLE}{self}")
    }
}

impl FromStr for RoleName {
    type Err = NameError;

    /// What fits into a URI and a line of a log: the letters of a client's name.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(name) => Ok(Self(name)),
            Err(NameError::ClientCharacter { name, letter }) => {
                Err(NameError::RoleCharacter { name, letter })
            }
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The alternative name of a client.
pub(crate) fn client_uri(name: &ClientName) -> String {
    format!("{CLIENT}{name}")
}

/// The client that an alternative name stands for, also in the form of the first certificates.
pub(crate) fn client_in(uri: &str) -> Option<&str> {
    uri.strip_prefix(CLIENT)
        .or_else(|| uri.strip_prefix(FIRST_CLIENT))
}

/// The role that an alternative name of the kind URI gives. Nothing here has been verified.
pub fn role_in(uri: &str) -> Option<RoleName> {
    uri.strip_prefix(ROLE)?.parse().ok()
}

const CLIENT: &str = "https://lockgate.invalid/client/";
const ROLE: &str = "https://lockgate.invalid/role/";
/// In certificates that were issued before linters had been asked.
const FIRST_CLIENT: &str = "urn:lockgate:client:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_comes_back_from_its_uri_and_from_nothing_else() {
        let role: RoleName = "deployer".parse().unwrap();
        assert_eq!(role_in(&role.uri()), Some(role));
        for other in [
            "deployer",
            "https://lockgate.invalid/role/",
            "https://lockgate.invalid/role/a/b",
            "https://lockgate.invalid/role/a b",
            "https://lockgate.invalid/client/deployer",
            "http://lockgate.invalid/role/deployer",
            "https://lockgate.invalid.example/role/deployer",
        ] {
            assert_eq!(role_in(other), None, "{other}");
        }
    }

    #[test]
    fn clients_are_known_by_the_old_form_too() {
        let name: ClientName = "ops@example.org".parse().unwrap();
        assert_eq!(client_in(&client_uri(&name)), Some("ops@example.org"));
        assert_eq!(client_in("urn:lockgate:client:alice"), Some("alice"));
        assert_eq!(client_in("https://lockgate.invalid/role/alice"), None);
    }
}
