//! `lockgate ca rotate` and `lockgate ca retire`: a new root, without anybody being locked out.

use lockgate_enroll::lagging;
use lockgate_pki::{
    Authority, AuthorityDirectory, AuthorityName, CertificateInfo, Clock, Constraint, Constraints,
    DirectoryError, NewAuthority, Protection, RotationState,
};
use lockgate_types::Timestamp;

use super::{directory, journal, offline, open, passphrase_of, publish_crl, told};
use crate::args::{RetireArgs, RotateArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Puts a new root beside the old one.
pub(super) fn run(args: &RotateArgs, out: &mut Output) -> Outcome {
    let directory = directory(args.directory.as_ref(), &args.tree)?;
    let key = directory.path().join("ca-key.pem");
    let passphrase = passphrase_of(&key, args.new.passphrase_file.as_deref(), out)?;
    let old = directory
        .open(passphrase.as_ref(), Clock::System)
        .map_err(told)?;
    // Before anything is made anywhere.
    if let Some(state) = directory.rotation(Timestamp::now()).map_err(told)? {
        return Err(told(DirectoryError::Rotating(state.old)));
    }
    let permitted: Result<Vec<Constraint>, _> =
        args.new.permitted.iter().map(|text| text.parse()).collect();
    let mut constraints = Constraints::only(permitted.map_err(told)?);
    if args.new.permitted.is_empty() {
        constraints = old.issuing.constraints().clone();
    }
    let new = NewAuthority {
        name: name(&args.new.name, &root_of(&old.issuing)?)?,
        days: args.new.days,
        key_type: args.new.key_type.parse().map_err(told)?,
        constraints,
    };
    let protection = passphrase.map_or(Protection::Plain, Protection::Passphrase);
    let new = match &args.offline_root {
        Some(place) => {
            let wanted = offline::Founding {
                place,
                days: args.issuer_days,
                protection: &protection,
            };
            offline::found_beside(&directory, &old.issuing, &new, &wanted, out)?
        }
        None => directory
            .rotate(&new, &protection, &old.issuing, Clock::System)
            .map_err(told)?,
    };
    journal(
        &directory,
        "rotated",
        &new.info().subject,
        &old.issuing.info().subject,
    )?;
    let all = [&new, &old.issuing];
    directory
        .publish_crl(&all, lockgate_pki::CRL_DAYS_DEFAULT)
        .map_err(told)?;
    out.line(format!(
        "{}, valid until {}",
        new.info().subject,
        new.info().not_after
    ))?;
    out.line(format!("beside {}", old.issuing.info().subject))?;
    out.line("Both are trusted. Certificates move over as they are renewed; `lockgate ca status` shows who has not.")?;
    Ok(0)
}

/// The subject of the root that peers know.
fn root_of(authority: &Authority) -> Result<String, Failure> {
    let root = CertificateInfo::from_der(authority.root_der()).map_err(told)?;
    Ok(root.subject)
}

/// Takes the old root away.
pub(super) fn retire(args: &RetireArgs, out: &mut Output) -> Outcome {
    let now = Timestamp::now();
    let (directory, authorities) = open(&args.authority, out)?;
    let state = directory.rotation(now).map_err(told)?;
    if let Some(state) = state.filter(|_| !args.force) {
        refuse_while_needed(&directory, &state, now)?;
    }
    let old = directory.retire(now).map_err(told)?;
    journal(&directory, "retired", &old, "")?;
    out.line(format!("{old} is believed no more"))?;
    let own = lockgate_pki::Authorities {
        issuing: authorities.issuing,
        previous: None,
    };
    publish_crl(&directory, &own, lockgate_pki::CRL_DAYS_DEFAULT, out)?;
    Ok(0)
}

/// Who has no other certificate, and who was seen with the old one although it has another.
fn refuse_while_needed(
    directory: &AuthorityDirectory,
    state: &RotationState,
    now: Timestamp,
) -> Result<(), Failure> {
    let needed = state.clients.iter().chain(&state.servers);
    let names: Vec<_> = needed.map(|one| one.identity().to_owned()).collect();
    if !names.is_empty() {
        let text = format!("the old root is still needed by {}", names.join(", "));
        return Err(Failure::new(text)
            .hint("they move over when they are renewed: `lockgate renew --force` there")
            .hint("`lockgate ca retire --force` locks them out"));
    }
    let late = lagging(directory, state, now).map_err(told)?;
    let names: Vec<_> = late
        .iter()
        .map(|one| {
            format!(
                "{} (seen {} from {})",
                one.record.identity(),
                one.at,
                one.from
            )
        })
        .collect();
    if !names.is_empty() {
        let text = format!("the old root is still used by {}", names.join(", "));
        return Err(Failure::new(text)
            .hint(
                "they have a newer certificate: find the copy of the old one that is in use there",
            )
            .hint("`lockgate ca retire --force` locks it out"));
    }
    Ok(())
}

/// Peers tell roots apart by name, so the new one has another: `NAME 2`, `NAME 3` …
fn name(wanted: &str, old: &str) -> Result<AuthorityName, Failure> {
    let taken = old.rsplit("CN=").next().unwrap_or_default();
    let base = taken
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end();
    // The name that is typed for nobody would be another family's.
    if wanted != base && wanted != taken && wanted != DEFAULT {
        return wanted.parse().map_err(told);
    }
    let number: u32 = taken
        .get(base.len()..)
        .and_then(|n| n.trim().parse().ok())
        .unwrap_or(1);
    format!("{base} {}", number + 1).parse().map_err(told)
}

/// What `--name` is if nobody says.
const DEFAULT: &str = "Lockgate CA";
