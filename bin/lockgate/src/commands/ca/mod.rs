//! `lockgate ca …`.

mod backup;
mod crl;
mod init;
mod next;
mod offline;
mod own;
mod passphrase;
mod place;
mod quick;
mod rotate;
mod serve;
mod status;

use crate::args::{CaArgs, CaVerb};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(super) use crl::publish as publish_crl;
pub(super) use next::{client_steps, server_steps};
pub(super) use own::{directory, journal, open};
pub(super) use passphrase::existing as passphrase_of;
pub(super) use passphrase::of_export as passphrase_of_export;
pub(super) use place::{absolute, tree};
pub(super) use quick::{explicit_names, server_names};

/// Runs one verb of `lockgate ca`.
pub(crate) fn run(args: &CaArgs, out: &mut Output) -> Outcome {
    match &args.verb {
        CaVerb::Backup(args) => backup::run(args, out),
        CaVerb::Crl(args) => crl::run(args, out),
        CaVerb::Init(args) => init::run(args, out),
        CaVerb::Quick(args) => quick::run(args, out),
        CaVerb::Reissue(args) => offline::reissue(args, out),
        CaVerb::Restore(args) => backup::restore(args, out),
        CaVerb::Retire(args) => rotate::retire(args, out),
        CaVerb::RootCrl(args) => offline::root_crl(args, out),
        CaVerb::Rotate(args) => rotate::run(args, out),
        CaVerb::Serve(args) => serve::run(args, out),
        CaVerb::Status(args) => status::run(args, out),
    }
}

/// The library's errors are whole sentences that name the file and the remedy.
pub(super) fn told(error: impl std::error::Error) -> Failure {
    Failure::new(error.to_string())
}
