//! Power over the host.

use serde::{Deserialize, Serialize};

/// Power over the host that a call asks for. The role `operator` has none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// More capabilities than the default set.
    Capabilities,
    /// Devices of the host, or rules for them.
    Devices,
    /// A place in the host's control groups.
    ControlGroup,
    /// A namespace of the host.
    HostNamespace,
    /// A path of the host.
    HostPath,
    /// A driver that makes the daemon send, load or mount what the caller says.
    Driver,
    /// Everything at once.
    Privileged,
    /// Another runtime than the default one.
    Runtime,
    /// Weaker confinement: security options, unmasked paths.
    Security,
    /// Kernel parameters.
    Sysctls,
}

impl Power {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Capabilities,
        Self::Devices,
        Self::ControlGroup,
        Self::HostNamespace,
        Self::HostPath,
        Self::Driver,
        Self::Privileged,
        Self::Runtime,
        Self::Security,
        Self::Sysctls,
    ];

    /// Its name in a policy, such as `host.paths`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capabilities => "host.capabilities",
            Self::ControlGroup => "host.cgroups",
            Self::Devices => "host.devices",
            Self::Driver => "host.drivers",
            Self::HostNamespace => "host.namespaces",
            Self::HostPath => "host.paths",
            Self::Privileged => "host.privileged",
            Self::Runtime => "host.runtimes",
            Self::Security => "host.security",
            Self::Sysctls => "host.sysctls",
        }
    }
}

impl std::fmt::Display for Power {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Capabilities => "added capabilities",
            Self::ControlGroup => "a control group of its choice",
            Self::Devices => "devices of the host",
            Self::Driver => "driver options",
            Self::HostNamespace => "a namespace of the host",
            Self::HostPath => "a path of the host",
            Self::Privileged => "privileged mode",
            Self::Runtime => "a runtime of its choice",
            Self::Security => "weaker confinement",
            Self::Sysctls => "kernel parameters",
        })
    }
}

/// One piece of power: which, and over what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wish {
    /// Which power.
    pub power: Power,
    /// Over what: a path, a capability without `CAP_`, a device, the name of a namespace.
    pub detail: String,
    /// For paths: whether it is only looked at.
    pub read_only: bool,
}

impl std::fmt::Display for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail.as_str() {
            "" => write!(f, "{}", self.power),
            detail => write!(f, "{} ({detail})", self.power),
        }
    }
}
