//! `lockgate ca init`: make an authority.

use lockgate_pki::{
    Authority, AuthorityError, AuthorityName, Clock, Constraint, Constraints, KeyType,
    NewAuthority, Overwrite, Protection, PublishError,
};

use super::{absolute, passphrase, place};
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
    Authority::check_place(&directory, overwrite)
        .map_err(|error: PublishError| Failure::new(error.to_string()))?;
    let (mut authority, protection) = new_authority(&args.new, out)?;
    authority
        .save(&directory, &protection, overwrite)
        .map_err(failure)?;
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
pub(crate) fn new_authority(
    args: &NewAuthorityArgs,
    out: &mut Output,
) -> Result<(Authority, Protection), Failure> {
    let invalid = |error: lockgate_pki::NameError| Failure::new(error.to_string());
    let key_type: KeyType = args
        .key_type
        .parse()
        .map_err(|e: lockgate_pki::UnknownKeyType| Failure::new(e.to_string()))?;
    let permitted: Result<Vec<Constraint>, _> =
        args.permitted.iter().map(|text| text.parse()).collect();
    let new = NewAuthority {
        name: args.name.parse::<AuthorityName>().map_err(invalid)?,
        days: args.days,
        key_type,
        constraints: Constraints::only(permitted.map_err(invalid)?),
    };
    new.check().map_err(failure)?;
    if let Some(warning) = key_type.warning() {
        out.note(format!("warning: {warning}"))?;
    }
    let protection = passphrase::protection(args, out)?;
    let authority = Authority::create(&new, Clock::System).map_err(failure)?;
    Ok((authority, protection))
}

fn failure(error: AuthorityError) -> Failure {
    Failure::new(error.to_string())
}
