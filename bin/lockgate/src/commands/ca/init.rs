//! `lockgate ca init`: make an authority.

use lockgate_pki::{
    Authority, AuthorityName, Clock, Constraint, Constraints, KeyType, NewAuthority, Overwrite,
    Protection,
};

use super::{absolute, offline, passphrase, place, told};
use crate::args::{InitArgs, NewAuthorityArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Makes an authority in a directory of its own.
pub(super) fn run(args: &InitArgs, out: &mut Output) -> Outcome {
    let directory = match &args.out {
        Some(directory) => directory.clone(),
        None => place::tree(&args.tree)?.join("ca"),
    };
    let overwrite = if args.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    };
    // Told before a passphrase is asked for.
    Authority::check_place(&directory, overwrite).map_err(told)?;
    if let Some(root) = &args.offline_root {
        return offline::found(args, root, &directory, overwrite, out);
    }
    let (mut authority, protection) = new_authority(&args.new, out)?;
    authority
        .save(&directory, &protection, overwrite)
        .map_err(told)?;
    let info = authority.info();
    let directory = absolute(&directory);
    out.line(format!("{}, valid until {}", info.subject, info.not_after))?;
    for name in ["ca.pem", "ca-key.pem", "issued.jsonl"] {
        out.line(format!("  {}", directory.join(name).display()))?;
    }
    let files = directory.display();
    out.line("\nNext, a certificate for the server and one for each client:")?;
    for what in ["server", "client NAME"] {
        out.line(format!(
            "  lockgate cert {what} --ca-cert {files}/ca.pem --ca-key {files}/ca-key.pem"
        ))?;
    }
    Ok(0)
}

/// Makes an authority in memory, and says how its key is to be protected.
pub(super) fn new_authority(
    args: &NewAuthorityArgs,
    out: &mut Output,
) -> Result<(Authority, Protection), Failure> {
    let (new, protection) = wishes(args, out)?;
    let authority = Authority::create(&new, Clock::System).map_err(told)?;
    Ok((authority, protection))
}

/// What a new authority is to be, and how its key is to be protected.
pub(super) fn wishes(
    args: &NewAuthorityArgs,
    out: &mut Output,
) -> Result<(NewAuthority, Protection), Failure> {
    let new = describe(args)?;
    if let Some(warning) = new.key_type.warning() {
        out.note(format!("warning: {warning}"))?;
    }
    let protection = passphrase::protection(args, out)?;
    Ok((new, protection))
}

/// What a new authority is to be.
pub(super) fn describe(args: &NewAuthorityArgs) -> Result<NewAuthority, Failure> {
    let key_type: KeyType = args.key_type.parse().map_err(told)?;
    let permitted: Result<Vec<Constraint>, _> =
        args.permitted.iter().map(|text| text.parse()).collect();
    let new = NewAuthority {
        name: args.name.parse::<AuthorityName>().map_err(told)?,
        days: args.days,
        key_type,
        constraints: Constraints::only(permitted.map_err(told)?),
    };
    new.check().map_err(told)?;
    Ok(new)
}
