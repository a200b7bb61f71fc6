//! The audit trail: one line before each decision takes effect, one when the act is over; each
//! proves the one before it.

mod chain;
mod disk;
mod doubt;
mod files;
mod head;
mod key;
mod record;
mod rotation;
mod signer;
mod sink;
mod tail;
#[cfg(test)]
mod tests;
mod trail;
mod verify;
mod writer;

pub use chain::Hash;
pub use key::AuditKey;
pub(crate) use record::{Decision, Ending, Record, bounded, must_be_escaped};
pub use record::{Refusal, escape};
pub use sink::{Outlet, Sink};
pub use verify::{AuditFiles, Finding, Report, VerifyError, What, Why};
pub use writer::{AuditConfig, AuditCounts, AuditError, AuditLog};

/// What signs and puts away full files is in trouble, and what it is there for is done all the same.
fn complain_of_care(error: &AuditError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let cause = cause.unwrap_or_default();
    tracing::error!(error = %error, cause, "the audit log cannot be signed or rotated; it grows on");
}

/// A lost record is not lost silently.
fn complain(error: &AuditError, lost: u64) {
    let cause = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(error = %error, cause, lost, "AUDIT RECORD LOST; changing calls are refused");
}
