//! Which network a container is made for.

/// What `HostConfig.NetworkMode` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NetworkMode {
    /// The default bridge.
    Bridge,
    /// The namespace of another container.
    Container(String),
    /// The host's namespace.
    Host,
    /// A namespace with nothing but loopback.
    None,
    /// A network by its name.
    Named(String),
}

/// The mode is malformed.
#[derive(Debug)]
pub(crate) struct ModeError;

impl NetworkMode {
    /// Reads the mode; empty and `default` are the default bridge.
    pub(crate) fn parse(text: &str) -> Result<Self, ModeError> {
        Ok(match text {
            "" | "default" | "bridge" => Self::Bridge,
            "host" => Self::Host,
            "none" => Self::None,
            _ => match text.split_once(':') {
                Some(("container", "")) => return Err(ModeError),
                Some(("container", name)) => Self::Container(name.to_owned()),
                _ => Self::Named(text.to_owned()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_words_containers_or_names() {
        for (text, mode) in [
            ("", NetworkMode::Bridge),
            ("default", NetworkMode::Bridge),
            ("host", NetworkMode::Host),
            ("none", NetworkMode::None),
            ("container:x", NetworkMode::Container("x".to_owned())),
            ("front", NetworkMode::Named("front".to_owned())),
        ] {
            assert_eq!(NetworkMode::parse(text).unwrap(), mode);
        }
        NetworkMode::parse("container:").unwrap_err();
    }
}
