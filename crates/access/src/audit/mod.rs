//! The audit trail: one line before each decision takes effect, one when the act is over.

mod record;
#[cfg(test)]
mod tests;
mod writer;

pub use record::Refusal;
pub(crate) use record::{Decision, Ending, Record, must_be_escaped};
pub use writer::{AuditError, AuditLog};
