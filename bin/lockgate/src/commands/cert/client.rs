//! `lockgate cert client`: a certificate for somebody, or something, that connects.

use lockgate_pki::{AuthorityName, ClientName, ClientRequest};

use super::issuer;
use crate::args::ClientArgs;
use crate::commands::ca::{self, told};
use crate::commands::role;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Issues the certificate and shows how to use it.
pub(super) fn run(args: &ClientArgs, out: &mut Output) -> Outcome {
    let name: ClientName = args.name.parse().map_err(told)?;
    let organization = text(args.organization.as_deref())?;
    let unit = text(args.unit.as_deref())?;
    let role = args
        .role
        .as_deref()
        .map(|role| role::of_policy(role, &args.policy))
        .transpose()?;
    let validity = issuer::validity(&args.leaf)?;
    let directory = issuer::directory(&args.leaf, &format!("client-{name}"))?;
    let key_type = issuer::key_type(&args.leaf, out)?;
    let authority = issuer::open(&args.leaf, out)?;
    let request = ClientRequest {
        name,
        organization,
        unit,
        role,
        validity,
        key_type,
    };
    let issued = authority.issue_client(&request).map_err(told)?;
    issuer::publish(&authority, &issued, &directory, &args.leaf, out)?;
    ca::client_steps(&ca::absolute(&directory), None, out)?;
    Ok(0)
}

fn text(given: Option<&str>) -> Result<Option<AuthorityName>, Failure> {
    given.map(str::parse).transpose().map_err(told)
}
