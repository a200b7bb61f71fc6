//! `lockgate audit …`: the audit trail of a daemon.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What is asked about an audit trail.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The audit log
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        default_value = "/var/lib/lockgate/audit.log"
    )]
    pub(crate) log: PathBuf,
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: AuditVerb,
}

/// The verbs of `lockgate audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Write records as JSON lines or as a table
    Export(ExportAuditArgs),
    /// Print the public key that checks the signatures
    Key,
    /// Find records
    Search(RecordArgs),
    /// Print the last records, and those to come
    Tail(TailArgs),
    /// Check that no record was removed, edited, reordered or cut off
    Verify(VerifyAuditArgs),
}

/// `lockgate audit verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyAuditArgs {
    /// The public key (default: the one beside the log, which whoever changed the log may have changed)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

/// `lockgate audit tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// How many
    #[arg(short = 'n', long, value_name = "int", default_value = "10")]
    pub(crate) lines: usize,
    /// Go on as records are written
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// `lockgate audit export`.
#[derive(Debug, Args)]
pub(crate) struct ExportAuditArgs {
    /// In which form
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) format: AuditFormat,
    /// Which.
    #[command(flatten)]
    pub(crate) records: RecordArgs,
}

/// A form of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    Csv,
    Jsonl,
}

/// Which records.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Of this call
    #[arg(long, value_name = "ID")]
    pub(crate) call: Option<String>,
    /// With this decision: allow or deny
    #[arg(long, value_name = "WORD")]
    pub(crate) decision: Option<String>,
    /// Of this identity: any value of it, such as a common name, a serial number or a user id
    #[arg(long, value_name = "TEXT")]
    pub(crate) identity: Option<String>,
    /// Of this operation
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// With this outcome
    #[arg(long, value_name = "WORD")]
    pub(crate) outcome: Option<String>,
    /// From this address
    #[arg(long, value_name = "TEXT")]
    pub(crate) peer: Option<String>,
    /// From this time on (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// About this object
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Until this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}
