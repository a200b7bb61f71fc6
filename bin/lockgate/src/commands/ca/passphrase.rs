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
    if let Some(passphrase) = given(args.passphrase_file.as_deref(), out)? {
        note_short(&passphrase, out)?;
        return Ok(Protection::Passphrase(passphrase));
    }
    let first = ask("Passphrase for the key of the authority: ")?;
    let second = ask("The same again: ")?;
    if first != second {
        return Err(Failure::new("the two passphrases differ: start again"));
    }
    note_short(&first, out)?;
    Ok(Protection::Passphrase(first))
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
    match given(file, out)? {
        Some(passphrase) => Ok(Some(passphrase)),
        None => ask(&format!("Passphrase for {}: ", key.display())).map(Some),
    }
}

/// From the file, else from the environment.
fn given(file: Option<&Path>, out: &mut Output) -> Result<Option<Secret<String>>, Failure> {
    let text = match file {
        Some(file) if file == Path::new("-") => {
            let mut text = String::new();
            io::stdin().take(TEXT_MAX).read_to_string(&mut text)?;
            Some(("standard input".to_owned(), text))
        }
        Some(file) => Some((file.display().to_string(), read(file, out)?)),
        None => env::var(VARIABLE)
            .ok()
            .map(|text| (VARIABLE.to_owned(), text)),
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

fn ask(prompt: &str) -> Result<Secret<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(format!(
            "a passphrase is needed and there is no terminal to ask for it: give --passphrase-file \
             FILE or set {VARIABLE}"
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
/// Longer than any passphrase.
const TEXT_MAX: u64 = 4096;
/// Below this many characters a passphrase can be found by trying.
const SHORT: usize = 8;
