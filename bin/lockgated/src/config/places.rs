//! Where things are if nobody says otherwise: root's daemon in `/etc`, `/var` and `/run`, an ordinary user's where
//! the XDG rules put them.

use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// Defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) data_root: PathBuf,
    pub(super) exec_root: PathBuf,
    pub(super) socket: PathBuf,
    /// With `ca.pem`, `cert.pem` and `key.pem` of the door.
    pub(super) server_set: PathBuf,
}

impl Places {
    /// Those of root's daemon.
    pub(super) fn of_root() -> Self {
        let exec_root = PathBuf::from("/run/lockgate");
        Self {
            data_root: PathBuf::from("/var/lib/lockgate"),
            socket: exec_root.join("lockgate.sock"),
            exec_root,
            server_set: PathBuf::from("/etc/lockgate/pki/server"),
        }
    }

    /// Those of an ordinary user, by their environment.
    pub(super) fn of_user(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let runtime =
            absolute(&variable, "XDG_RUNTIME_DIR").ok_or(ConfigError::NoRuntimeDirectory)?;
        let data = home_or(&variable, "XDG_DATA_HOME", ".local/share")?;
        let config = home_or(&variable, "XDG_CONFIG_HOME", ".config")?;
        Ok(Self {
            data_root: data.join("lockgate"),
            exec_root: runtime.join("lockgate"),
            // Where Docker's rootless daemon has it.
            socket: runtime.join("docker.sock"),
            server_set: config.join("lockgate/pki/server"),
        })
    }
}

/// The settings of an ordinary user's daemon.
pub(super) fn file_of_user(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let config = home_or(&variable, "XDG_CONFIG_HOME", ".config").ok()?;
    Some(config.join("lockgate/daemon.json"))
}

fn home_or(
    variable: &impl Fn(&str) -> Option<String>,
    name: &str,
    in_home: &str,
) -> Result<PathBuf, ConfigError> {
    if let Some(path) = absolute(variable, name) {
        return Ok(path);
    }
    let home = absolute(variable, "HOME").ok_or(ConfigError::NoHome)?;
    Ok(home.join(in_home))
}

/// The rules say that a relative path is as good as none.
fn absolute(variable: &impl Fn(&str) -> Option<String>, name: &str) -> Option<PathBuf> {
    let path = variable(name)?;
    Path::new(&path).is_absolute().then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Places, String> {
        let variable = |name: &str| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Places::of_user(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn an_ordinary_user_has_everything_at_home() {
        let places = of(&[("HOME", "/home/a"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
        assert_eq!(places.data_root, Path::new("/home/a/.local/share/lockgate"));
        assert_eq!(places.exec_root, Path::new("/run/user/1/lockgate"));
        assert_eq!(places.socket, Path::new("/run/user/1/docker.sock"));
        let pki = Path::new("/home/a/.config/lockgate/pki/server");
        assert_eq!(places.server_set, pki);
    }

    #[test]
    fn what_the_environment_says_goes_first_if_it_is_absolute() {
        let places = of(&[
            ("HOME", "/home/a"),
            ("XDG_RUNTIME_DIR", "/r"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_CONFIG_HOME", "relative"),
        ]);
        let places = places.unwrap();
        assert_eq!(places.data_root, Path::new("/d/lockgate"));
        assert!(places.server_set.starts_with("/home/a/.config"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(
            of(&[("HOME", "/h")])
                .unwrap_err()
                .contains("XDG_RUNTIME_DIR")
        );
        assert!(
            of(&[("XDG_RUNTIME_DIR", "/r")])
                .unwrap_err()
                .contains("HOME")
        );
    }
}
