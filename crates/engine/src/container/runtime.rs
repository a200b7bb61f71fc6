//! Which program makes a container.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lockgate_runtime::protocol::RuntimeChoice;

use super::config_error::ConfigError;
use crate::config::{EngineConfig, RuntimeSpec};

/// What a runtime's name stands for: the built-in one, one of the daemon's configuration, a known one that is
/// installed, or the path of an executable.
///
/// A name that stands for nothing (any more) is an error and never another runtime.
pub(crate) fn choose(name: &str, config: &EngineConfig) -> Result<RuntimeChoice, ConfigError> {
    let name = if name.is_empty() {
        config.default_runtime.as_str()
    } else {
        name
    };
    if name == EngineConfig::BUILT_IN_RUNTIME {
        return Ok(RuntimeChoice::Native);
    }
    let spec = config.runtimes.get(name).cloned().or_else(|| find(name));
    let RuntimeSpec { path, args } = spec.ok_or_else(|| ConfigError::Runtime(name.to_owned()))?;
    Ok(RuntimeChoice::External {
        path: in_path(&path).unwrap_or(path),
        args,
        root: config.exec_root.join("runtime"),
    })
}

/// A runtime that nobody configured.
fn find(name: &str) -> Option<RuntimeSpec> {
    let path = if KNOWN.contains(&name) {
        in_path(Path::new(name))?
    } else {
        PathBuf::from(name)
    };
    (path.is_absolute() && is_executable(&path)).then_some(RuntimeSpec {
        path,
        args: Vec::new(),
    })
}

/// Those that need no configuration, the built-in one aside, and are installed.
pub(crate) fn installed() -> impl Iterator<Item = (&'static str, PathBuf)> {
    KNOWN
        .into_iter()
        .filter_map(|name| Some((name, in_path(Path::new(name))?)))
}

/// The file of a program that is named without its directory.
fn in_path(name: &Path) -> Option<PathBuf> {
    if name.components().count() != 1 || name.is_absolute() {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Names that need no configuration.
const KNOWN: [&str; 3] = ["crun", "runc", "youki"];

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> EngineConfig {
        let mut config = EngineConfig::new("/d".into(), "/nowhere/exec".into(), "/s".into());
        let configured = RuntimeSpec {
            path: "/opt/own".into(),
            args: vec!["--debug".to_owned()],
        };
        config.runtimes.insert("own".to_owned(), configured);
        config
    }

    #[test]
    fn a_name_stands_for_what_is_configured_first() {
        let external = |path: &str, args: &[&str]| RuntimeChoice::External {
            path: path.into(),
            args: args.iter().map(|&a| a.to_owned()).collect(),
            root: "/nowhere/exec/runtime".into(),
        };
        let mut config = config();
        for name in ["", "lockgate"] {
            assert_eq!(choose(name, &config).unwrap(), RuntimeChoice::Native);
        }
        assert_eq!(
            choose("own", &config).unwrap(),
            external("/opt/own", &["--debug"])
        );
        assert_eq!(
            choose("/bin/sh", &config).unwrap(),
            external("/bin/sh", &[])
        );
        config.default_runtime = "own".to_owned();
        assert_eq!(
            choose("", &config).unwrap(),
            external("/opt/own", &["--debug"])
        );
        assert_eq!(choose("lockgate", &config).unwrap(), RuntimeChoice::Native);
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        for name in [
            "nope",
            "sh",
            "/nowhere/runc",
            "/etc/passwd",
            "/etc",
            "../bin/sh",
            "./runc",
        ] {
            let error = choose(name, &config()).unwrap_err();
            let text = format!("unknown or invalid runtime name: {name}");
            assert_eq!(error.to_string(), text);
        }
    }
}
