//! The authority of this host, as a directory and opened.

use std::path::PathBuf;

use lockgate_pki::{Authorities, AuthorityDirectory, Clock, JournalEntry, settle};

use super::{passphrase_of, place, told};
use crate::args::{OwnAuthorityArgs, TreeArgs};
use crate::failure::Failure;
use crate::output::Output;

/// The directory; it must hold an authority.
pub(crate) fn directory(
    given: Option<&PathBuf>,
    tree: &TreeArgs,
) -> Result<AuthorityDirectory, Failure> {
    let path = match given {
        Some(path) => path.clone(),
        None => place::tree(tree)?.join("ca"),
    };
    let certificate = path.join("ca.pem");
    if !certificate.exists() {
        let text = format!("there is no authority in {}", path.display());
        return Err(Failure::new(text)
            .hint("make one with `lockgate ca init`, or name the directory of one with --ca DIR"));
    }
    // A command that was killed may have left half a set.
    settle(&path).map_err(told)?;
    Ok(AuthorityDirectory::new(path))
}

/// Opens the keys; asks for their passphrase if they have one.
pub(crate) fn open(
    args: &OwnAuthorityArgs,
    out: &mut Output,
) -> Result<(AuthorityDirectory, Authorities), Failure> {
    let directory = directory(args.directory.as_ref(), &args.tree)?;
    let key = directory.path().join("ca-key.pem");
    let passphrase = passphrase_of(&key, args.passphrase_file.as_deref(), out)?;
    let opened = directory
        .open(passphrase.as_ref(), Clock::System)
        .map_err(told)?;
    Ok((directory, opened))
}

/// Writes what was done on this host into the journal.
pub(crate) fn journal(
    directory: &AuthorityDirectory,
    event: &'static str,
    identity: &str,
    detail: &str,
) -> Result<(), Failure> {
    let mut entry = JournalEntry::local(event, identity);
    detail.clone_into(&mut entry.detail);
    directory.note(&entry).map_err(told)
}
