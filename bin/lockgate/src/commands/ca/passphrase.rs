//! The passphrase of an authority's key: from a file, the environment or the terminal.

use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use lockgate_pki::{Protection, key_needs_passphrase};
use lockgate_types::Secret;

use super::told;
use crate::args::NewAuthorityArgs;
use crate::failure::Failure;
use crate::output::Output;

/// How the key of a new authority is protected.
pub(super) fn protection(args: &NewAuthorityArgs, out: &mut Output) -> Result<Protection, Failure> {
    if args.no_passphrase {
        out.note(
            "warning: the key of the authority is not encrypted: whoever can read ca-key.pem can \
             make certificates for any host and any client",
        )?;
        return Ok(Protection::Plain);
    }
    let (file, prompt) = (
        args.passphrase_file.as_deref(),
        "Passphrase for the key of the authority: ",
    );
    new(file, VARIABLE, prompt, out).map(Protection::Passphrase)
}

/// The passphrase of a backup that is to be made.
pub(super) fn of_new_backup(
    file: Option<&Path>,
    out: &mut Output,
) -> Result<Secret<String>, Failure> {
    new(file, BACKUP, "Passphrase for the backup: ", out)
}

/// The passphrase of a file that is to be carried away.
pub(crate) fn of_export(file: Option<&Path>, out: &mut Output) -> Result<Secret<String>, Failure> {
    new(file, EXPORT, "Passphrase for the file: ", out)
}

/// The passphrase of a backup that was made.
pub(super) fn of_backup(file: Option<&Path>, out: &mut Output) -> Result<Secret<String>, Failure> {
    match given(file, BACKUP, out)? {
        Some(passphrase) => Ok(passphrase),
        None => ask("Passphrase of the backup: ", BACKUP),
    }
}

/// A passphrase that nobody can be asked for later: typed twice.
fn new(
    file: Option<&Path>,
    variable: &str,
    prompt: &str,
    out: &mut Output,
) -> Result<Secret<String>, Failure> {
    let passphrase = if let Some(passphrase) = given(file, variable, out)? {
        passphrase
    } else {
        let first = ask(prompt, variable)?;
        if first != ask("The same again: ", variable)? {
            return Err(Failure::new("the two passphrases differ: start again"));
        }
        first
    };
    note_short(&passphrase, out)?;
    Ok(passphrase)
}

/// The passphrase of an existing key; none if it needs none.
pub(crate) fn existing(
    key: &Path,
    file: Option<&Path>,
    out: &mut Output,
) -> Result<Option<Secret<String>>, Failure> {
    let needed = key_needs_passphrase(key).map_err(told)?;
    if !needed {
        return Ok(None);
    }
    match given(file, VARIABLE, out)? {
        Some(passphrase) => Ok(Some(passphrase)),
        None => ask(&format!("Passphrase for {}: ", key.display()), VARIABLE).map(Some),
    }
}

/// From the file, else from the environment.
fn given(
    file: Option<&Path>,
    variable: &str,
    out: &mut Output,
) -> Result<Option<Secret<String>>, Failure> {
    let text = match file {
        Some(file) if file == Path::new("-") => {
            let mut text = String::new();
            io::stdin().take(TEXT_MAX).read_to_string(&mut text)?;
            Some(("standard input".to_owned(), text))
        }
        Some(file) => Some((file.display().to_string(), read(file, out)?)),
        None => env::var(variable)
            .ok()
            .map(|text| (variable.to_owned(), text)),
    };
    let Some((origin, text)) = text else {
        return Ok(None);
    };
    match text.lines().next().unwrap_or_default() {
        "" => Err(Failure::new(format!(
            "the passphrase from {origin} is empty: write one into its first line"
        ))),
        line => Ok(Some(Secret::new(line.to_owned()))),
    }
}

fn read(file: &Path, out: &mut Output) -> Result<String, Failure> {
    let name = file.display();
    let unreadable = |error: io::Error| {
        Failure::new(format!(
            "cannot read the passphrase file {name}: {error}; check the path"
        ))
    };
    let metadata = fs::metadata(file).map_err(unreadable)?;
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o7777;
        out.note(format!(
            "warning: {name} can be read by others (mode {mode:04o}): run `chmod 0400 {name}`"
        ))?;
    }
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(TEXT_MAX).read_to_string(&mut text))
        .map_err(unreadable)?;
    Ok(text)
}

fn ask(prompt: &str, variable: &str) -> Result<Secret<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(format!(
            "a passphrase is needed and there is no terminal to ask for it: give --passphrase-file \
             FILE or set {variable}"
        )));
    }
    let text = rpassword::prompt_password(prompt)
        .map_err(|error| Failure::new(format!("cannot read the passphrase: {error}")))?;
    if text.is_empty() {
        return Err(Failure::new(
            "the passphrase is empty: type one, or give --no-passphrase",
        ));
    }
    Ok(Secret::new(text))
}

fn note_short(passphrase: &Secret<String>, out: &mut Output) -> Result<(), Failure> {
    if passphrase.expose().chars().count() < SHORT {
        out.note(
            "warning: the passphrase is short; several words are hard to guess and easy to keep",
        )?;
    }
    Ok(())
}

/// Where the passphrase is taken from without a file.
const VARIABLE: &str = "LOCKGATE_CA_PASSPHRASE";
/// The same for a backup, which may have another one.
const BACKUP: &str = "LOCKGATE_BACKUP_PASSPHRASE";
/// The same for a file that is carried away.
const EXPORT: &str = "LOCKGATE_EXPORT_PASSPHRASE";
/// Longer than any passphrase.
const TEXT_MAX: u64 = 4096;
/// Below this many characters a passphrase can be found by trying.
const SHORT: usize = 8;
