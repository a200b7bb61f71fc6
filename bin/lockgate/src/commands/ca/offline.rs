//! A root whose key is elsewhere: `lockgate ca init --offline-root`, `reissue` and `root-crl`.

use std::path::Path;

use lockgate_pki::{
    Authority, AuthorityDirectory, Clock, NewAuthority, Overwrite, Protection, Reason,
};
use lockgate_types::{Secret, Timestamp};

use super::{absolute, directory, init, journal, open, passphrase_of, publish_crl, told};
use crate::args::{InitArgs, ReissueArgs, RootCrlArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Makes a root in a directory of its own, and the authority that issues below it.
pub(super) fn found(
    args: &InitArgs,
    root: &Path,
    target: &Path,
    overwrite: Overwrite,
    out: &mut Output,
) -> Outcome {
    refuse_within(root, target)?;
    Authority::check_place(root, overwrite).map_err(told)?;
    let (new, protection) = init::wishes(&args.new, out)?;
    let mut authority = Authority::create_root(&new, Clock::System).map_err(told)?;
    authority.save(root, &protection, overwrite).map_err(told)?;
    let below = below(&new, 1, args.issuer_days)?;
    let (root, place) = (
        AuthorityDirectory::new(root),
        AuthorityDirectory::new(target),
    );
    let issuer = place
        .found_below(&root, &authority, &below, &protection, overwrite)
        .map_err(told)?;
    place
        .publish_crl(&[&issuer], lockgate_pki::CRL_DAYS_DEFAULT)
        .map_err(told)?;
    told_of(&authority, &issuer, &root, &place, out)?;
    Ok(0)
}

/// Where a new root is to be, and what it needs besides.
pub(super) struct Founding<'a> {
    pub(super) place: &'a Path,
    pub(super) days: u32,
    pub(super) protection: &'a Protection,
}

/// Makes a new root in a directory of its own, and puts an authority below it beside the one that issues.
pub(super) fn found_beside(
    directory: &AuthorityDirectory,
    old: &Authority,
    new: &NewAuthority,
    wanted: &Founding<'_>,
    out: &mut Output,
) -> Result<Authority, Failure> {
    let place = wanted.place;
    refuse_within(place, directory.path())?;
    Authority::check_place(place, Overwrite::Refuse).map_err(told)?;
    let below = below(new, 1, wanted.days)?;
    let mut root = Authority::create_root(new, Clock::System).map_err(told)?;
    root.save(place, wanted.protection, Overwrite::Refuse)
        .map_err(told)?;
    let root_place = AuthorityDirectory::new(place);
    let issuer = directory
        .rotate_below(&root_place, &root, old, &below, wanted.protection)
        .map_err(told)?;
    told_of(&root, &issuer, &root_place, directory, out)?;
    Ok(issuer)
}

fn refuse_within(root: &Path, other: &Path) -> Result<(), Failure> {
    let (root, other) = (absolute(root), absolute(other));
    if other.starts_with(&root) || root.starts_with(&other) {
        let text = "the root's directory is to be taken away: name one elsewhere";
        return Err(Failure::new(text));
    }
    Ok(())
}

/// Puts a new issuing authority in the place of the one that is there.
pub(super) fn reissue(args: &ReissueArgs, out: &mut Output) -> Outcome {
    let place = directory(args.directory.as_ref(), &args.tree)?;
    let (root, passphrase) =
        open_root(&args.offline_root, args.new.passphrase_file.as_deref(), out)?;
    let root_place = AuthorityDirectory::new(&args.offline_root);
    let old = place
        .open(passphrase.as_ref(), Clock::System)
        .map_err(told)?;
    let (mut new, number) = (init::describe(&args.new)?, number_of(&old.issuing));
    new.name = root_name(&root)?;
    let new = below(&new, number + 1, args.new.days.min(ISSUER_DAYS))?;
    let protection = passphrase.map_or(Protection::Plain, Protection::Passphrase);
    let issuer = place
        .reissue(&root_place, &root, &old.issuing, &new, &protection)
        .map_err(told)?;
    journal(
        &place,
        "rotated",
        &issuer.info().subject,
        &old.issuing.info().subject,
    )?;
    place
        .publish_crl(&[&issuer, &old.issuing], lockgate_pki::CRL_DAYS_DEFAULT)
        .map_err(told)?;
    told_of(&root, &issuer, &root_place, &place, out)?;
    out.line("Certificates move over as they are renewed: `lockgate ca status`, then `lockgate ca retire`.")?;
    Ok(0)
}

/// Signs the root's list anew.
pub(super) fn root_crl(args: &RootCrlArgs, out: &mut Output) -> Outcome {
    let file = args.authority.passphrase_file.as_deref();
    let (root, _) = open_root(&args.offline_root, file, out)?;
    let root_place = AuthorityDirectory::new(&args.offline_root);
    let (place, authorities) = open(&args.authority, out)?;
    for serial in &args.revoked {
        let line = root_place
            .revoke_below(serial, Reason::Superseded, Timestamp::now())
            .map_err(told)?;
        journal(&place, "revoked", &line.identity, "by the root")?;
        out.line(format!("revoked {} ({})", line.identity, line.serial))?;
    }
    let summary = place.take_root_list(&root_place, &root).map_err(told)?;
    out.line(format!(
        "the root's list {}: {} revoked, next one due {}",
        summary.number, summary.entries, summary.next_update
    ))?;
    publish_crl(&place, &authorities, lockgate_pki::CRL_DAYS_DEFAULT, out)?;
    Ok(0)
}

fn open_root(
    place: &Path,
    file: Option<&Path>,
    out: &mut Output,
) -> Result<(Authority, Option<Secret<String>>), Failure> {
    let files = lockgate_pki::AuthorityFiles::in_directory(place);
    let passphrase = passphrase_of(&files.key, file, out)?;
    let root = Authority::open(&files, passphrase.as_ref(), Clock::System).map_err(told)?;
    Ok((root, passphrase))
}

/// `NAME Issuing 1`, `NAME Issuing 2` …: peers tell authorities apart by name.
fn below(root: &NewAuthority, number: u32, days: u32) -> Result<NewAuthority, Failure> {
    let mut new = root.clone();
    new.name = format!("{}{ISSUING}{number}", root.name.as_str())
        .parse()
        .map_err(told)?;
    new.days = days;
    new.check().map_err(told)?;
    Ok(new)
}

fn number_of(issuer: &Authority) -> u32 {
    let subject = &issuer.info().subject;
    let number = subject.rsplit_once(ISSUING).map(|(_, number)| number);
    number.and_then(|number| number.parse().ok()).unwrap_or(1)
}

fn root_name(root: &Authority) -> Result<lockgate_pki::AuthorityName, Failure> {
    let name = root.info().common_name.clone().unwrap_or_default();
    name.parse().map_err(told)
}

fn told_of(
    root: &Authority,
    issuer: &Authority,
    root_place: &AuthorityDirectory,
    place: &AuthorityDirectory,
    out: &mut Output,
) -> Result<(), Failure> {
    let (above, below) = (root.info(), issuer.info());
    out.line(format!(
        "root: {}, until {}",
        above.subject, above.not_after
    ))?;
    out.line(format!(
        "  {}: take it away",
        absolute(root_place.path()).display()
    ))?;
    out.line(format!(
        "issuing: {}, until {}",
        below.subject, below.not_after
    ))?;
    out.line(format!("  {}", absolute(place.path()).display()))?;
    let due = Timestamp::now().unix_seconds() + i64::from(lockgate_pki::CRL_DAYS_MAX) * 86_400;
    let due = Timestamp::from_unix_nanos(i128::from(due) * 1_000_000_000);
    out.line(format!(
        "The root's list is due again {due}: `lockgate ca root-crl`"
    ))?;
    Ok(())
}

const ISSUING: &str = " Issuing ";
/// How long an issuing authority lives if nobody says otherwise, and at most after a reissue.
pub(super) const ISSUER_DAYS: u32 = 397;
