//! Commands about networks.

use clap::{Args, Subcommand};

use super::{PruneArgs, value};

/// `network VERB`.
#[derive(Debug, Args)]
pub(crate) struct NetworkGroup {
    #[command(subcommand)]
    pub(crate) verb: NetworkVerb,
}

/// The verbs of `network`.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkVerb {
    /// Connect a container to a network
    Connect(NetworkConnectArgs),
    /// Create a network
    Create(NetworkCreateArgs),
    /// Disconnect a container from a network
    Disconnect(NetworkDisconnectArgs),
    /// Show everything about networks
    Inspect(NetworkInspectArgs),
    /// List networks
    #[command(visible_alias = "list")]
    Ls(NetworkLsArgs),
    /// Remove all unused networks
    Prune(PruneArgs),
    /// Remove networks
    #[command(visible_alias = "remove")]
    Rm(NetworkRmArgs),
}

/// `network connect`.
#[derive(Debug, Args)]
pub(crate) struct NetworkConnectArgs {
    /// Another name of the container in this network
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) alias: Vec<String>,
    /// Set an option of the driver for this endpoint
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) driver_opt: Vec<String>,
    /// Which network the default gateway is in: that of the highest number
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) gw_priority: Option<i64>,
    /// IPv4 address
    #[arg(long, value_name = "string")]
    pub(crate) ip: Option<String>,
    /// IPv6 address
    #[arg(long, value_name = "string")]
    pub(crate) ip6: Option<String>,
    /// Link to another container
    #[arg(long, value_name = "list")]
    pub(crate) link: Vec<String>,
    /// Link-local address
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) link_local_ip: Vec<String>,
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// `network create`.
#[derive(Debug, Args)]
pub(crate) struct NetworkCreateArgs {
    /// Allow containers to be attached by hand
    #[arg(long)]
    pub(crate) attachable: bool,
    /// Take the configuration from another network
    #[arg(long, value_name = "string")]
    pub(crate) config_from: Option<String>,
    /// Make a network that is a configuration for others and nothing else
    #[arg(long)]
    pub(crate) config_only: bool,
    /// Network driver
    #[arg(long, short, value_name = "string", default_value = "bridge")]
    pub(crate) driver: String,
    /// Gateway of the subnet
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) gateway: Vec<String>,
    /// Make the network through which a swarm publishes
    #[arg(long)]
    pub(crate) ingress: bool,
    /// No way out of the network
    #[arg(long)]
    pub(crate) internal: bool,
    /// Part of the subnet to take addresses from
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) ip_range: Vec<String>,
    /// Driver for addresses
    #[arg(long, value_name = "string", default_value = "default")]
    pub(crate) ipam_driver: String,
    /// Set an option of the driver for addresses
    #[arg(long, value_name = "map")]
    pub(crate) ipam_opt: Vec<String>,
    /// Give IPv4 addresses (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = value::boolean)]
    pub(crate) ipv4: Option<bool>,
    /// Give IPv6 addresses
    #[arg(long)]
    pub(crate) ipv6: bool,
    /// Set a label
    #[arg(long, value_name = "list")]
    pub(crate) label: Vec<String>,
    /// Set an option of the driver
    #[arg(long, short, value_name = "map")]
    pub(crate) opt: Vec<String>,
    /// Scope of the network
    #[arg(long, value_name = "string")]
    pub(crate) scope: Option<String>,
    /// Subnet in CIDR form
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub(crate) subnet: Vec<String>,
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,
}

/// `network disconnect`.
#[derive(Debug, Args)]
pub(crate) struct NetworkDisconnectArgs {
    /// Disconnect by force
    #[arg(long, short)]
    pub(crate) force: bool,
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// `network inspect`.
#[derive(Debug, Args)]
pub(crate) struct NetworkInspectArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
    /// More for diagnosis
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[arg(value_name = "NETWORK [NETWORK...]", required = true)]
    pub(crate) names: Vec<String>,
}

/// `network ls`.
#[derive(Debug, Args)]
pub(crate) struct NetworkLsArgs {
    /// Show only what meets the conditions, such as "driver=bridge"
    #[arg(long, short, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Do not shorten output
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Show network IDs only
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `network rm`.
#[derive(Debug, Args)]
pub(crate) struct NetworkRmArgs {
    /// Do not mind if a network is missing
    #[arg(long, short)]
    pub(crate) force: bool,
    #[arg(value_name = "NETWORK [NETWORK...]", required = true)]
    pub(crate) networks: Vec<String>,
}
