//! `update`: the limits of containers.

use clap::Args;

use super::value;

/// `update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Block IO weight, 10 to 1000, or 0 for none
    #[arg(long, value_name = "uint16")]
    pub(crate) blkio_weight: Option<u16>,
    /// Length of a CFS period
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_period: Option<i64>,
    /// Share of a CFS period
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_quota: Option<i64>,
    /// Length of a real-time period in microseconds
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_rt_period: Option<i64>,
    /// Share of a real-time period in microseconds
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_rt_runtime: Option<i64>,
    /// CPU weight
    #[arg(long, short, value_name = "int", value_parser = value::integer)]
    pub(crate) cpu_shares: Option<i64>,
    /// Number of CPUs
    #[arg(long, value_name = "decimal", value_parser = value::nano_cpus)]
    pub(crate) cpus: Option<i64>,
    /// CPUs to run on (0-3, 0,1)
    #[arg(long, value_name = "string")]
    pub(crate) cpuset_cpus: Option<String>,
    /// Memory nodes to use (0-3, 0,1)
    #[arg(long, value_name = "string")]
    pub(crate) cpuset_mems: Option<String>,
    /// Memory limit
    #[arg(long, short, value_name = "bytes", value_parser = value::bytes)]
    pub(crate) memory: Option<i64>,
    /// Memory soft limit
    #[arg(long, value_name = "bytes", value_parser = value::bytes)]
    pub(crate) memory_reservation: Option<i64>,
    /// Limit of memory plus swap, -1 for none
    #[arg(long, value_name = "bytes", value_parser = value::bytes_or_unlimited)]
    pub(crate) memory_swap: Option<i64>,
    /// Limit of processes, -1 for none
    #[arg(long, value_name = "int", value_parser = value::integer)]
    pub(crate) pids_limit: Option<i64>,
    /// When to restart after an exit
    #[arg(long, value_name = "string")]
    pub(crate) restart: Option<String>,
    #[arg(value_name = "CONTAINER [CONTAINER...]", required = true)]
    pub(crate) containers: Vec<String>,
}
