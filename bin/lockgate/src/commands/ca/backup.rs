//! `lockgate ca backup` and `restore`: a whole authority in one encrypted file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use lockgate_pki::restore as restore_into;
use lockgate_sys::file::write_once;
use lockgate_types::Timestamp;

use super::{absolute, directory, journal, passphrase, place, told};
use crate::args::{BackupArgs, RestoreArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Writes the file; on disk when it is told.
pub(super) fn run(args: &BackupArgs, out: &mut Output) -> Outcome {
    let directory = directory(args.directory.as_ref(), &args.tree)?;
    if args.file.exists() {
        let text = format!("{} is there already", args.file.display());
        return Err(Failure::new(text).hint("name another file: nothing is overwritten"));
    }
    let passphrase = passphrase::of_new_backup(args.passphrase_file.as_deref(), out)?;
    let (text, info) = directory
        .backup(&passphrase, Timestamp::now())
        .map_err(told)?;
    write_once(&args.file, text.as_bytes()).map_err(|error| failed(&args.file, &error))?;
    journal(&directory, "backed_up", &info.subject, "")?;
    out.line(format!("{}: {}", info.subject, args.file.display()))?;
    out.line("Keep it and its passphrase apart. What is revoked from now on is not in it: keep a crl.pem beside it.")?;
    Ok(0)
}

/// Makes the directory out of the file.
pub(super) fn restore(args: &RestoreArgs, out: &mut Output) -> Outcome {
    let target = match &args.directory {
        Some(directory) => directory.clone(),
        None => place::tree(&args.tree)?.join("ca"),
    };
    if target.exists() {
        let text = format!("{} is there already", target.display());
        return Err(Failure::new(text).hint("move it away, or name another place with --ca DIR"));
    }
    let text = read(&args.file)?;
    let text = String::from_utf8(text).map_err(|_binary| {
        Failure::new(format!(
            "{} is no backup of an authority",
            args.file.display()
        ))
    })?;
    let list = args.crl.as_deref().map(read).transpose()?;
    let list = list.as_deref().zip(args.crl.as_deref());
    let passphrase = passphrase::of_backup(args.passphrase_file.as_deref(), out)?;
    let restored =
        restore_into(&text, &passphrase, &target, list, Timestamp::now()).map_err(told)?;
    let info = &restored.info;
    journal(
        &lockgate_pki::AuthorityDirectory::new(&target),
        "restored",
        &info.subject,
        &format!("as of {}", info.at),
    )?;
    out.line(format!("{}, as of {}", info.subject, info.at))?;
    out.line(format!(
        "  {}, {} files",
        absolute(&target).display(),
        restored.files
    ))?;
    if restored.revoked > 0 {
        out.line(format!("  {} more revoked, by the list", restored.revoked))?;
    }
    if !restored.key_checked {
        out.note("note: the key has another passphrase than the backup and was not opened")?;
    }
    out.note(
        "certificates issued since then are not in the record, and open invitations are closed",
    )?;
    out.line("Next: `lockgate ca crl`, or start the authority: it signs a new list.")?;
    out.line("Certificates issued since then work and come into the record when they are renewed. `lockgate ca status` names those that daemons see;")?;
    out.line("`lockgate cert revoke --certificate FILE` or `--unrecorded SERIAL` takes one back, and `lockgate ca rotate` leaves all of them behind.")?;
    Ok(0)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(LONGEST).read_to_end(&mut bytes))
        .map_err(|error| failed(file, &error))?;
    Ok(bytes)
}

fn failed(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", file.display()))
}

/// A sealed gigabyte.
const LONGEST: u64 = 3 << 29;
