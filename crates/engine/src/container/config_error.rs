//! What can be wrong with a container's configuration; the texts are dockerd's.

use lockgate_types::ErrorKind;

/// A configuration that makes no sense, or asks for what this host cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Neither the request nor the image names a command.
    #[error("no command specified")]
    NoCommand,
}

impl ConfigError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoCommand => ErrorKind::InvalidInput,
        }
    }
}
