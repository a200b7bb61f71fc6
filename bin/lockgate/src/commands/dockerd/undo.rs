//! `dockerd configure --undo`: the files as they were before, if nobody changed them since.

use super::change::{Record, Written, failed, mode, read, write};
use super::configure::RECORD;
use crate::args::ConfigureArgs;
use crate::config::hex_sha256;
use crate::doctor::World;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Brings the files back; refuses before the first if one of them cannot be.
pub(super) fn run(args: &ConfigureArgs, out: &mut Output) -> Outcome {
    let path = World::new(Some(&args.root)).path(RECORD);
    let record = Record::read(&path)?;
    if record.files.is_empty() {
        return Err(Failure::new(
            "there is nothing to undo: `lockgate dockerd configure --yes` was not run here",
        ));
    }
    let mut back = Vec::new();
    for file in &record.files {
        back.push((file, before(file)?));
    }
    for (file, before) in back {
        let shown = file.path.display();
        if let Some(text) = before {
            write(&file.path, &text, mode(&file.path))?;
            out.line(format!("{shown} is as it was"))?;
        } else {
            remove(&file.path)?;
            out.line(format!("{shown} is gone, as there was none"))?;
        }
    }
    // The record goes first: a backup without a record does no harm.
    remove(&path)?;
    for backup in record.files.iter().filter_map(|file| file.backup.as_ref()) {
        remove(backup)?;
    }
    out.note("next: systemctl daemon-reload && systemctl restart docker")?;
    Ok(0)
}

/// What was there. A file that somebody changed after us is not touched.
fn before(file: &Written) -> Result<Option<String>, Failure> {
    let kept = file
        .backup
        .as_ref()
        .map(|backup| read(backup))
        .transpose()?
        .flatten();
    let now = read(&file.path)?;
    let is_ours = now
        .as_deref()
        .is_some_and(|text| hex_sha256(text) == file.sha256);
    if is_ours && file.backup.is_some() && kept.is_none() {
        let shown = file.path.display();
        return Err(Failure::new(format!(
            "the backup of {shown} is gone; nothing is undone"
        )));
    }
    // A run that was interrupted may not have come to this file.
    if is_ours || now == kept || (file.backup.is_some() && kept.is_none()) {
        return Ok(kept.or_else(|| now.filter(|_| file.backup.is_some())));
    }
    let shown = file.path.display();
    Err(
        Failure::new(format!("{shown} was changed since; nothing is undone"))
            .hint(format!("diff {shown}.before-lockgate {shown}")),
    )
}

fn remove(path: &std::path::Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
