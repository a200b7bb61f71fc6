//! Whose fault an error is, as a closed list.

/// The kind of a failure. HTTP status codes are derived from it in one table, `rest::error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// An object with that name exists already.
    AlreadyExists,
    /// The object is in a state that does not allow the operation.
    Conflict,
    /// Policy says no.
    Denied,
    /// A limit was reached.
    Exhausted,
    /// A fault of ours; the text asks for a report.
    Internal,
    /// The request is malformed.
    InvalidInput,
    /// The named object does not exist.
    NotFound,
    /// The object is in the wanted state already.
    NotModified,
    /// A condition that the request named does not hold.
    PreconditionFailed,
    /// The operation took longer than it may.
    Timeout,
    /// Who asks is not known.
    Unauthenticated,
    /// Something needed is not there at the moment.
    Unavailable,
    /// Not built, or not possible on this host.
    Unsupported,
}
