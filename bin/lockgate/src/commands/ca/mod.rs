//! `lockgate ca …`.

mod init;
mod next;
mod passphrase;
mod place;
mod quick;

use crate::args::{CaArgs, CaVerb};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(super) use next::{client_steps, policy_snippet, server_steps};
pub(super) use passphrase::existing as passphrase_of;
pub(super) use place::{absolute, tree};
pub(super) use quick::{explicit_names, server_names};

/// Runs one verb of `lockgate ca`.
pub(crate) fn run(args: &CaArgs, out: &mut Output) -> Outcome {
    match &args.verb {
        CaVerb::Init(args) => init::run(args, out),
        CaVerb::Quick(args) => quick::run(args, out),
    }
}

/// The library's errors are whole sentences that name the file and the remedy.
pub(super) fn told(error: impl std::error::Error) -> Failure {
    Failure::new(error.to_string())
}
