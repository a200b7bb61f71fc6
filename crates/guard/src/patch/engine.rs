//! What runs behind the door.

use serde_json::Value;

use crate::error::GuardError;
use crate::inquire;
use crate::pool::Pool;

/// The version of the upstream daemon, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Docker {
        release: [u32; 3],
        /// Whether it came before that release, such as `29.5.1-rc.1`.
        is_early: bool,
    },
    Podman,
    Unknown,
}

impl Version {
    /// Whether a fix of Docker Engine may be missing.
    pub(super) fn lacks(self, fixed: [u32; 3]) -> bool {
        match self {
            Self::Docker { release, is_early } => release < fixed || is_early && release == fixed,
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
            .and_then(release)
            .unwrap_or(Self::Unknown)
    }
}

/// `28.5.2+dfsg4` is 28, 5, 2.
fn release(text: &str) -> Option<Version> {
    let core = text.split(['+', '-', '~']).next()?;
    let numbers: Result<Vec<u32>, _> = core.split('.').map(str::parse).collect();
    let release = numbers.ok()?.try_into().ok()?;
    // A distribution's own number follows a dash as well: `29.5.1-0ubuntu1`.
    let more = text.strip_prefix(core)?;
    let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
    let is_early = more.starts_with('~') || more.strip_prefix('-').is_some_and(is_word);
    Some(Version::Docker { release, is_early })
}

pub(super) async fn version(pool: &Pool) -> Result<Version, GuardError> {
    Ok(match ask(pool, "/version").await? {
        (200, Some(answer)) => Version::read(&answer),
        _ => Version::Unknown,
    })
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
        assert!(docker("28.5.2+dfsg4").lacks([29, 5, 1]));
        assert!(docker("9.10.11").lacks([29, 5, 1]));
        assert!(!docker("29.5.1").lacks([29, 5, 1]));
        assert!(!docker("29.5.1+dfsg1").lacks([29, 5, 1]));
        assert!(!docker("29.5.1-0ubuntu1").lacks([29, 5, 1]));
        for early in [
            "29.5.1-rc.1",
            "29.5.1~rc1",
            "29.5.1-beta.2",
            "29.5.0",
            "29.5.0-rc.1",
        ] {
            assert!(docker(early).lacks([29, 5, 1]), "{early}");
        }
        assert!(!docker("30.0.0-rc.1").lacks([29, 5, 1]));
    }

    #[test]
    fn what_cannot_be_read_is_not_trusted() {
        for odd in [
            json!({}),
            json!({"Version": "dev"}),
            json!({"Version": "99"}),
            json!({"Version": "99.1.x"}),
            json!({"Version": "v99.1.0"}),
            json!({"Version": "99.99.99999999999999"}),
            json!({"Version": 29}),
            json!(null),
        ] {
            assert!(Version::read(&odd).lacks([1, 0, 0]), "{odd}");
        }
        let podman = json!({"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]});
        assert!(!Version::read(&podman).lacks([29, 5, 1]));
    }
}
