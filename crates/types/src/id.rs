//! Identifiers and names of objects.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is no identifier or name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 64 lower-case hexadecimal digits.
    #[error("invalid id, 64 lower-case hexadecimal digits are needed: `{0}`")]
    Id(String),
    /// Docker's rule for container names.
    #[error("Invalid container name ({0}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")]
    ContainerName(String),
    /// Docker's rule for volume names.
    #[error(
        "\"{0}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
    )]
    VolumeName(String),
    /// The shortest volume name has two characters.
    #[error("volume name is too short, names should be at least two alphanumeric characters")]
    ShortVolumeName,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// A new random identifier.
            pub fn random() -> Self {
                Self(random_hex().into())
            }

            /// Parses the full 64 digits; prefixes are resolved by the engine.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError::Id(text.to_owned()))
                }
            }

            /// All 64 digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first 12 digits, as people see them.
            pub fn short(&self) -> &str {
                self.0.get(..12).unwrap_or(&self.0)
            }
        }

        text_type!($name);
    };
}

macro_rules! text_type {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }
    };
}

hex_id! {
    /// A container's id.
    ContainerId
}
hex_id! {
    /// An exec instance's id.
    ExecId
}
hex_id! {
    /// A network's id.
    NetworkId
}

/// A container's name, without the leading slash that the API shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ContainerName(Box<str>);

impl ContainerName {
    /// Parses a name; one leading slash is tolerated, as in Docker.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let name = text.strip_prefix('/').unwrap_or(text);
        if is_restricted_name(name) {
            Ok(Self(name.into()))
        } else {
            Err(IdError::ContainerName(text.to_owned()))
        }
    }

    /// The name without slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(ContainerName);

/// A volume's name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct VolumeName(Box<str>);

impl VolumeName {
    /// Parses a name. It is safe as one path component: no slash, never `.` or `..`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if is_restricted_name(text) && text.len() <= 255 {
            Ok(Self(text.into()))
        } else if text.len() == 1 {
            Err(IdError::ShortVolumeName)
        } else {
            Err(IdError::VolumeName(text.to_owned()))
        }
    }

    /// A new anonymous volume's name, 64 hexadecimal digits.
    pub fn anonymous() -> Self {
        Self(random_hex().into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(VolumeName);

/// Docker's restricted name pattern, `[a-zA-Z0-9][a-zA-Z0-9_.-]+` (at least two characters).
fn is_restricted_name(name: &str) -> bool {
    name.len() >= 2
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && name
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphanumeric)
}

/// 32 random bytes of the kernel's generator as 64 hexadecimal digits.
pub fn random_hex() -> String {
    let mut bytes = [0_u8; 32];
    #[expect(
        clippy::expect_used,
        reason = "getrandom(2) cannot fail once the kernel has booted"
    )]
    getrandom::fill(&mut bytes).expect("the kernel's random generator");
    hex(&bytes)
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 15));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_parse_and_differ() {
        let (a, b) = (ContainerId::random(), ContainerId::random());
        assert_ne!(a, b);
        assert_eq!(ContainerId::parse(a.as_str()).unwrap(), a);
        assert_eq!(a.short().len(), 12);
    }

    #[test]
    fn container_names_follow_dockers_rule() {
        for good in ["ab", "/web", "a.b_c-1", "0a"] {
            assert!(ContainerName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "a", "-a", "a/b", "..", ".a", "a b", "a\n", "é1"] {
            assert!(ContainerName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn volume_names_are_one_path_component() {
        VolumeName::parse("data-1").unwrap();
        for bad in ["", ".", "..", "../x", "a/b", "/a"] {
            assert!(VolumeName::parse(bad).is_err(), "{bad}");
        }
        VolumeName::parse(VolumeName::anonymous().as_str()).unwrap();
    }
}
