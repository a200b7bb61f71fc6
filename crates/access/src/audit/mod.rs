//! The audit trail: one line before each decision takes effect, one when the act is over.

mod record;
#[cfg(test)]
mod tests;
mod writer;

pub use record::Refusal;
pub(crate) use record::{Decision, Ending, Record, must_be_escaped};
pub use writer::{AuditError, AuditLog};

/// A lost record is not lost silently.
pub(crate) fn complain(error: &AuditError) {
    let cause = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(error = %error, cause, "AUDIT RECORD LOST; changing calls are refused");
}
