//! What runs behind the door.

use serde_json::Value;

use crate::error::GuardError;
use crate::inquire;
use crate::pool::Pool;

/// The version of the upstream daemon, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Docker([u32; 3]),
    Podman,
    Unknown,
}

impl Version {
    /// Whether a fix of Docker Engine may be missing.
    pub(super) fn lacks(self, fixed: [u32; 3]) -> bool {
        match self {
            Self::Docker(version) => version < fixed,
            Self::Podman => false,
            Self::Unknown => true,
        }
    }

    fn read(answer: &Value) -> Self {
        let components = answer.get("Components").and_then(Value::as_array);
        let is_podman = components.is_some_and(|components| {
            components
                .iter()
                .any(|part| part.get("Name").and_then(Value::as_str) == Some("Podman Engine"))
        });
        if is_podman {
            return Self::Podman;
        }
        answer
            .get("Version")
            .and_then(Value::as_str)
            .and_then(numbers)
            .map_or(Self::Unknown, Self::Docker)
    }
}

/// `28.5.2+dfsg4` is 28, 5, 2.
fn numbers(text: &str) -> Option<[u32; 3]> {
    let mut parts = text
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    let mut next = || parts.next()?.ok();
    Some([next()?, next()?, next()?])
}

pub(super) async fn version(pool: &Pool) -> Result<Version, GuardError> {
    let (_, answer) = ask(pool, "/version").await?;
    Ok(answer.map_or(Version::Unknown, |answer| Version::read(&answer)))
}

/// Asks the upstream daemon something for ourselves; the status, and the JSON if it is some.
pub(super) async fn ask(pool: &Pool, path: &str) -> Result<(u16, Option<Value>), GuardError> {
    let told = inquire::get(pool, path).await?;
    let answer = serde_json::from_slice(&told.body).ok();
    Ok((told.status.as_u16(), answer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let docker = |text: &str| Version::read(&json!({ "Version": text }));
        assert_eq!(docker("28.5.2+dfsg4"), Version::Docker([28, 5, 2]));
        assert!(docker("28.5.2+dfsg4").lacks([29, 5, 1]));
        assert!(docker("9.10.11").lacks([29, 5, 1]));
        assert!(!docker("29.5.1").lacks([29, 5, 1]));
        assert!(!docker("30.0.0-rc.1").lacks([29, 5, 1]));
    }

    #[test]
    fn what_cannot_be_read_is_not_trusted() {
        for odd in [
            json!({}),
            json!({"Version": "dev"}),
            json!({"Version": 29}),
            json!(null),
        ] {
            assert!(Version::read(&odd).lacks([1, 0, 0]), "{odd}");
        }
        let podman = json!({"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]});
        assert!(!Version::read(&podman).lacks([29, 5, 1]));
    }
}
