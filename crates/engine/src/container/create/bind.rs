//! The short form of mounts: `source:destination:mode`.

use lockgate_types::VolumeName;
use lockgate_types::container::{MountPoint, MountType};

use super::mounts::clean;
use crate::container::config_error::ConfigError;
use crate::container::record::MountRecord;

/// Reads one entry of `HostConfig.Binds`. An empty volume name stands for an anonymous volume.
pub(super) fn parse(text: &str) -> Result<MountRecord, ConfigError> {
    let invalid = || ConfigError::VolumeSpec(text.to_owned());
    let parts: Vec<&str> = text.split(':').collect();
    let (source, destination, mode) = match *parts.as_slice() {
        [destination] => ("", destination, ""),
        [destination, mode] if Mode::parse(mode).is_some() => ("", destination, mode),
        [source, destination] => (source, destination, ""),
        [source, destination, mode] => (source, destination, mode),
        _ => return Err(invalid()),
    };
    if destination.is_empty() || (parts.len() > 1 && source.is_empty() && mode.is_empty()) {
        return Err(invalid());
    }
    let options = Mode::parse(mode).ok_or_else(|| ConfigError::VolumeMode(mode.to_owned()))?;
    let inside = |error| ConfigError::Bind(text.to_owned(), Box::new(error));
    let destination = place(source, destination, &options).map_err(inside)?;
    let mut mount = MountRecord {
        point: MountPoint {
            destination,
            mode: mode.to_owned(),
            rw: !options.read_only,
            ..MountPoint::default()
        },
        ..MountRecord::default()
    };
    let point = &mut mount.point;
    if source.starts_with('/') {
        point.kind = MountType::Bind;
        point.source = clean(source);
        options
            .propagation
            .unwrap_or("rprivate")
            .clone_into(&mut point.propagation);
        mount.non_recursive = matches!(options.propagation, Some("private" | "shared" | "slave"));
    } else {
        point.kind = MountType::Volume;
        "local".clone_into(&mut point.driver);
        mount.no_copy = options.no_copy;
        if source.is_empty() {
            mount.anonymous = true;
        } else {
            let name = VolumeName::parse(source)
                .map_err(|error| ConfigError::VolumeName(source.to_owned(), error))?;
            point.name = name.to_string();
            if mode.is_empty() {
                "z".clone_into(&mut point.mode);
            }
        }
    }
    Ok(mount)
}

/// The cleaned destination; the mode must be one for what is mounted there.
fn place(source: &str, destination: &str, options: &Mode<'_>) -> Result<String, ConfigError> {
    let is_bind = source.starts_with('/');
    let kind = if is_bind { "bind" } else { "volume" };
    if !destination.starts_with('/') {
        let path = destination.to_owned();
        return Err(ConfigError::MountPath { kind, path });
    }
    let destination = clean(destination);
    if destination == "/" {
        return Err(ConfigError::MountRoot { kind });
    }
    let extra = |field| Err(ConfigError::MountExtra { kind, field });
    if is_bind && options.no_copy {
        return extra("VolumeOptions");
    }
    if !is_bind && options.propagation.is_some() {
        return extra("BindOptions");
    }
    Ok(destination)
}

/// What a mode says.
#[derive(Debug, Default)]
struct Mode<'a> {
    read_only: bool,
    no_copy: bool,
    propagation: Option<&'a str>,
}

impl<'a> Mode<'a> {
    /// Reads `ro,z,rslave`; `None` if a word is unknown or said twice.
    fn parse(text: &'a str) -> Option<Self> {
        let mut mode = Self::default();
        let (mut access, mut label, mut consistency) = (false, false, false);
        for word in text.split(',').filter(|_| !text.is_empty()) {
            let seen = match word {
                "rw" | "ro" => {
                    mode.read_only = word == "ro";
                    std::mem::replace(&mut access, true)
                }
                "z" | "Z" => std::mem::replace(&mut label, true),
                "nocopy" => std::mem::replace(&mut mode.no_copy, true),
                "consistent" | "cached" | "delegated" | "default" => {
                    std::mem::replace(&mut consistency, true)
                }
                word if PROPAGATIONS.contains(&word) => mode.propagation.replace(word).is_some(),
                _ => return None,
            };
            if seen {
                return None;
            }
        }
        Some(mode)
    }
}

/// How mounts spread between the host and a container.
pub(super) const PROPAGATIONS: [&str; 6] = [
    "private", "rprivate", "shared", "rshared", "slave", "rslave",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_paths_volumes_or_nothing() {
        let bind = parse("/host:/in:ro,rslave").unwrap();
        assert_eq!(bind.point.kind, MountType::Bind);
        assert_eq!(
            (bind.point.source.as_str(), bind.point.destination.as_str()),
            ("/host", "/in")
        );
        assert!(!bind.point.rw);
        assert_eq!(bind.point.propagation, "rslave");

        let volume = parse("data:/in").unwrap();
        assert_eq!(volume.point.kind, MountType::Volume);
        assert_eq!(
            (volume.point.name.as_str(), volume.point.mode.as_str()),
            ("data", "z")
        );

        assert!(parse("/in").unwrap().anonymous);
        assert!(parse("/in:ro").unwrap().anonymous);
    }

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(parse("/a//b/../c/:/x/./y/").unwrap().point.source, "/a/c");
        assert_eq!(parse("/a:/x/./y/").unwrap().point.destination, "/x/y");
    }

    #[test]
    fn refuses_with_dockers_texts() {
        for (bad, text) in [
            ("a:b:c:d", "invalid volume specification: 'a:b:c:d'"),
            ("", "invalid volume specification: ''"),
            (":/x", "invalid volume specification: ':/x'"),
            ("/a:/b:bogus", "invalid mode: bogus"),
            ("/a:/b:ro,rw", "invalid mode: ro,rw"),
            (
                "/a:rel",
                "invalid volume specification: '/a:rel': invalid mount config for type \"bind\": invalid mount path: 'rel' mount path must be absolute",
            ),
            (
                "/a:/b:nocopy",
                "invalid volume specification: '/a:/b:nocopy': invalid mount config for type \"bind\": field VolumeOptions must not be specified",
            ),
            (
                "a:/b:shared",
                "invalid volume specification: 'a:/b:shared': invalid mount config for type \"volume\": field BindOptions must not be specified",
            ),
            (
                "/a:/",
                "invalid volume specification: '/a:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
            ),
        ] {
            assert_eq!(parse(bad).unwrap_err().to_string(), text, "{bad}");
        }
        parse("../x:/y").unwrap_err();
        parse("data:rel").unwrap_err();
    }
}
