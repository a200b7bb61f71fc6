//! Why an operation on a network fails.

use lockgate_types::{ContainerId, ErrorKind};

use crate::filter::FilterError;

/// Why an operation on a network failed; the texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No name or id is like that.
    #[error("network {0} not found")]
    NotFound(String),
    /// Several ids begin like that.
    #[error("network {0} is ambiguous ({1} matches found on ID prefix)")]
    Ambiguous(String, usize),
    /// A network needs a name.
    #[error("invalid name: name is empty")]
    NoName,
    /// The built-in networks stay.
    #[error("{0} is a pre-defined network and cannot be removed")]
    Predefined(String),
    /// A network of that name exists.
    #[error("network with name {0} already exists")]
    Exists(String),
    /// The names of the built-in networks are taken.
    #[error("operation is not permitted on predefined {0} network ")]
    NotOnPredefined(String),
    /// There is one network of the host and one without a network.
    #[error("only one instance of \"{0}\" network is allowed")]
    OneInstance(String),
    /// Nobody knows the driver.
    #[error("plugin \"{0}\" not found")]
    Driver(String),
    /// Lockgate does not orchestrate.
    #[error("cannot create a swarm scoped network when swarm is not active")]
    Swarm,
    /// The same for the network that services are published on.
    #[error("Ingress network can only be global scope network")]
    Ingress,
    /// Neither kind of address is wanted.
    #[error("IPv4 or IPv6 must be enabled")]
    NoAddresses,
    /// Addresses do not fit together.
    #[error("invalid network config:\n{}", list(.0))]
    Config(Vec<String>),
    /// An option has a value that it cannot have.
    #[error("{0}")]
    Option(String),
    /// The addresses are another network's.
    #[error("invalid pool request: Pool overlaps with other one on this address space")]
    Overlap,
    /// One subnet is what a bridge has.
    #[error("bridge driver doesn't support multiple subnets")]
    Subnets,
    /// Not built.
    #[error("lockgate: {0} is not supported")]
    Unsupported(String),
    /// Containers are on it.
    #[error("error while removing network: network {network} has active endpoints ({endpoints})")]
    InUse {
        /// The network's name.
        network: String,
        /// `name:"web" id:"…"` of each.
        endpoints: String,
    },
    /// What is asked of the endpoint does not fit the network.
    #[error("invalid endpoint settings:\n{}", list(.0))]
    Endpoint(Vec<String>),
    /// A malformed hardware address.
    #[error("invalid MAC address {0}")]
    Mac(String),
    /// The container is on the network.
    #[error("endpoint with name {container} already exists in network {network}")]
    Connected {
        /// The container's name.
        container: String,
        /// The network's name.
        network: String,
    },
    /// The container is not on the network.
    #[error("container {container} is not connected to {network}")]
    NotConnected {
        /// The container.
        container: ContainerId,
        /// `network` or `the network`, and its name.
        network: String,
    },
    /// The same where the container does not exist.
    #[error("endpoint {0} not found")]
    NoEndpoint(String),
    /// The host's network is chosen at creation or never.
    #[error("cannot {0} host network - container must be created in host network mode")]
    Host(&'static str),
    /// A private container stays private.
    #[error(
        "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    )]
    Private,
    /// Somebody else decides about the container's network.
    #[error(
        "container sharing network namespace with another container or host cannot be connected to any other network"
    )]
    Shared,
    /// The container is not there, or going.
    #[error("{0}")]
    Container(String),
    /// An empty name.
    #[error("invalid name or ID supplied: \"\"")]
    NoContainer,
    /// The container is being removed.
    #[error(
        "container {0} is marked for removal and cannot be connected or disconnected to the network"
    )]
    Removing(ContainerId),
    /// The host failed.
    #[error("{0}")]
    Failed(String),
    /// A filter cannot be applied.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

/// One reason stands alone, several become a list.
fn list(reasons: &[String]) -> String {
    match reasons {
        [one] => one.clone(),
        _ => reasons
            .iter()
            .map(|reason| format!("* {reason}"))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

impl NetworkError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) | Self::Driver(_) | Self::NoEndpoint(_) | Self::Container(_) => {
                ErrorKind::NotFound
            }
            Self::Ambiguous(..)
            | Self::NoName
            | Self::NoAddresses
            | Self::Config(_)
            | Self::Option(_)
            | Self::Subnets
            | Self::Endpoint(_)
            | Self::Mac(_)
            | Self::Host(_)
            | Self::Private
            | Self::Shared
            | Self::NoContainer => ErrorKind::InvalidInput,
            Self::Predefined(_)
            | Self::NotOnPredefined(_)
            | Self::OneInstance(_)
            | Self::Swarm
            | Self::Ingress
            | Self::Overlap
            | Self::InUse { .. }
            | Self::Connected { .. } => ErrorKind::Denied,
            Self::Exists(_) | Self::Removing(_) => ErrorKind::Conflict,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            // dockerd's own choice for the first.
            Self::NotConnected { .. } | Self::Failed(_) => ErrorKind::Internal,
            Self::Filter(error) => error.kind(),
        }
    }

    /// A fault of the host, with its causes.
    pub(crate) fn failed(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self::Failed(text)
    }
}
