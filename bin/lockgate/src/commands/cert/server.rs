//! `lockgate cert server`: a certificate for this host, or for the names given.

use lockgate_pki::ServerRequest;

use super::issuer;
use crate::args::ServerArgs;
use crate::commands::ca::{self, told};
use crate::failure::Outcome;
use crate::output::Output;

/// Issues the certificate and shows what to configure.
pub(super) fn run(args: &ServerArgs, out: &mut Output) -> Outcome {
    ca::explicit_names(&args.names)?;
    let validity = issuer::validity(&args.leaf)?;
    let directory = issuer::directory(&args.leaf, "server")?;
    let key_type = issuer::key_type(&args.leaf, out)?;
    let authority = issuer::open(&args.leaf, out)?;
    let names = ca::server_names(&args.names, authority.constraints(), out)?;
    let request = ServerRequest {
        names,
        validity,
        key_type,
    };
    let issued = authority.issue_server(&request).map_err(told)?;
    issuer::publish(&authority, &issued, &directory, &args.leaf, out)?;
    ca::server_steps(&ca::absolute(&directory), out)?;
    Ok(0)
}
