//! What `cert server` and `cert client` have in common.

use std::path::{Path, PathBuf};

use lockgate_pki::{Authority, AuthorityFiles, Clock, Issued, KeyType, Overwrite, Validity};

use crate::args::LeafArgs;
use crate::commands::ca::{self, told};
use crate::failure::Failure;
use crate::output::Output;

/// Where the set goes: `--out`, or `name` in the tree, or beside a CA of somebody else's.
pub(super) fn directory(args: &LeafArgs, name: &str) -> Result<PathBuf, Failure> {
    let directory = match (&args.out, &args.authority.ca_cert, &args.authority.tree.pki) {
        (Some(out), _, _) => out.clone(),
        (None, Some(_), None) => PathBuf::from(name),
        (None, _, _) => ca::tree(&args.authority.tree)?.join(name),
    };
    Issued::check_place(&directory, overwrite(args)).map_err(told)?;
    Ok(directory)
}

/// Opens the authority; asks for its passphrase if there is one.
pub(super) fn open(args: &LeafArgs, out: &mut Output) -> Result<Authority, Failure> {
    let authority = &args.authority;
    let files = match (&authority.ca_cert, &authority.ca_key) {
        (Some(certificate), Some(key)) => AuthorityFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            issuer: None,
        },
        _ => AuthorityFiles::in_directory(&ca::tree(&authority.tree)?.join("ca")),
    };
    Authority::check_certificate(&files, Clock::System).map_err(|error| {
        let failure = told(error);
        if files.certificate.exists() {
            failure
        } else {
            failure.hint("make an authority with `lockgate ca init`, or name one with --ca-cert and --ca-key")
        }
    })?;
    let passphrase = ca::passphrase_of(&files.key, authority.passphrase_file.as_deref(), out)?;
    Authority::open(&files, passphrase.as_ref(), Clock::System).map_err(told)
}

/// The kind of key, with its warning.
pub(super) fn key_type(args: &LeafArgs, out: &mut Output) -> Result<KeyType, Failure> {
    let key_type: KeyType = args.key_type.parse().map_err(told)?;
    if let Some(warning) = key_type.warning() {
        out.note(format!("warning: {warning}"))?;
    }
    Ok(key_type)
}

/// What was asked with `--days`.
pub(super) fn validity(args: &LeafArgs) -> Result<Validity, Failure> {
    let validity = args.days.map_or(Validity::Longest, Validity::Days);
    validity.check().map_err(told)?;
    Ok(validity)
}

/// Writes the set, and says what is in it.
pub(super) fn publish(
    authority: &Authority,
    issued: &Issued,
    directory: &Path,
    args: &LeafArgs,
    out: &mut Output,
) -> Result<(), Failure> {
    authority
        .publish(issued, directory, overwrite(args))
        .map_err(told)?;
    let info = issued.info();
    out.line(format!("{}, issued by {}", info.subject, info.issuer))?;
    out.line(format!("  names  {}", info.alternative_names().join(", ")))?;
    out.line(format!(
        "  until  {}{}",
        info.not_after,
        shortened(authority, issued, args)
    ))?;
    out.line(format!(
        "  files  {}/{{ca,cert,key}}.pem",
        ca::absolute(directory).display()
    ))?;
    Ok(())
}

fn shortened(authority: &Authority, issued: &Issued, args: &LeafArgs) -> &'static str {
    let with_authority = issued.info().not_after == authority.info().not_after;
    if args.days.is_none() && with_authority {
        ", when the authority ends"
    } else {
        ""
    }
}

fn overwrite(args: &LeafArgs) -> Overwrite {
    if args.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    }
}
