//! `lockgate ca crl`: the revocation list, signed anew.

use lockgate_pki::{Authorities, AuthorityDirectory};

use super::{absolute, open, told};
use crate::args::CrlArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Signs the list.
pub(super) fn run(args: &CrlArgs, out: &mut Output) -> Outcome {
    let (directory, authorities) = open(&args.authority, out)?;
    publish(&directory, &authorities, args.days, out)?;
    Ok(0)
}

/// Signs the list, and says what it holds.
pub(crate) fn publish(
    directory: &AuthorityDirectory,
    authorities: &Authorities,
    days: u32,
    out: &mut Output,
) -> Result<(), Failure> {
    let summary = directory
        .publish_crl(&authorities.all(), days)
        .map_err(told)?;
    out.line(format!(
        "revocation list {}: {} revoked, next one due {}",
        summary.number, summary.entries, summary.next_update
    ))?;
    out.line(format!("  {}", absolute(&directory.crl_path()).display()))?;
    Ok(())
}
