//! `lockgate cert …`.

mod client;
mod export;
mod issuer;
mod list;
mod revoke;
mod server;
mod show;
mod verify;

use crate::args::{CertArgs, CertVerb};
use crate::failure::Outcome;
use crate::output::Output;

/// Runs one verb of `lockgate cert`.
pub(crate) fn run(args: &CertArgs, out: &mut Output) -> Outcome {
    match &args.verb {
        CertVerb::Client(args) => client::run(args, out),
        CertVerb::Export(args) => export::run(args, out),
        CertVerb::List(args) => list::run(args, out),
        CertVerb::Revoke(args) => revoke::run(args, out),
        CertVerb::Unrevoke(args) => revoke::release(args, out),
        CertVerb::Server(args) => server::run(args, out),
        CertVerb::Show(args) => show::run(args, out),
        CertVerb::Verify(args) => verify::run(args, out),
    }
}
