//! The certificate authority: keys, certificates for servers and clients, and the files they live in.
//!
//! It needs no daemon and no network. The flow of every certificate is the same:
//!
//! ```text
//! names, days, key type  ->  Authority::issue_*  ->  Issued  ->  Authority::publish
//!      (parsed at the door)   (signed, then checked   (in memory)  (recorded in issued.jsonl,
//!                              as a peer would)                     then all files or none)
//! ```
//!
//! A certificate is good for a server or for a client, never both; it lives for at most
//! [`LEAF_DAYS_MAX`] days and never longer than its authority. Only the public key of an applicant
//! and names that were approved go into a certificate.
#![forbid(unsafe_code)]

mod authority;
mod backup;
mod certificate;
mod clock;
mod constraint;
mod crl;
mod detect;
mod directory;
mod hash;
mod identifier;
mod key;
mod name;
mod publish;
mod request;
mod verify;

pub use authority::{
    Authority, AuthorityError, AuthorityFiles, CA_DAYS_DEFAULT, CA_DAYS_MAX, ClientRequest,
    IssueError, Issued, IssuedRecord, LEAF_DAYS_MAX, NewAuthority, Profile, ServerRequest,
    Validity,
};
pub use backup::{BackupError, BackupInfo, Restored, restore};
pub use certificate::{CertificateError, CertificateInfo, certificates, certificates_in};
pub use clock::Clock;
pub use constraint::{Constraint, Constraints};
pub use crl::{CRL_DAYS_DEFAULT, CRL_DAYS_MAX, CrlError, RevocationList, Revocations, Standing};
pub use detect::{DetectedNames, detect_names};
pub use directory::{
    Authorities, AuthorityDirectory, CrlSummary, DirectoryError, GRACE_DAYS_MAX, Invite,
    InviteSecret, Invited, JournalEntry, Reason, RedeemError, RevokedRecord, RotationState, State,
    UnknownReason,
};
pub use identifier::{RoleName, role_in};
pub use key::{
    KeyError, KeyType, PrivateKey, Protection, PublicKey, UnknownKeyType, certificate_pem,
    key_needs_passphrase,
};
pub use name::{AuthorityName, ClientName, NameError, SubjectName};
pub use publish::{FileSet, Overwrite, PublishError, StagedSet, settle, stage};
pub use request::{CertificateRequest, RequestError};
pub use verify::{
    Check, CheckedSet, Fault, Purpose, Verdict, VerifyReport, verify_path, verify_set,
};
