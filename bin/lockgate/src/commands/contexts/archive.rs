//! `context export`, `context import`.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use super::inspect::stored;
use crate::args::{ContextExportArgs, ContextImportArgs, Globals};
use crate::config::go_error;
use crate::contexts::{ContextError, Contexts, Stored, check_name};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Writes a context with its key into a file that is there for its owner alone.
pub(super) fn export(
    globals: &Globals,
    contexts: &Contexts,
    args: &ContextExportArgs,
    out: &mut Output,
) -> Outcome {
    let archive = stored(globals, contexts, &args.name)?.to_archive()?;
    let file = args.file.clone();
    let file = file.unwrap_or_else(|| format!("{}.dockercontext", args.name));
    if file == "-" {
        if std::io::stdout().is_terminal() {
            return Err(Failure::new(
                "cowardly refusing to export to a terminal, specify a file path",
            ));
        }
        out.bytes_now(&archive)?;
        return Ok(0);
    }
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file);
    let written = opened.and_then(|mut to| to.write_all(&archive).and_then(|()| to.sync_all()));
    written.map_err(|error| Failure::new(format!("open {file}: {}", go_error(&error))))?;
    out.note(format!("Written file {file:?}"))?;
    Ok(0)
}

/// Reads one under a new name.
pub(super) fn import(contexts: &Contexts, args: &ContextImportArgs, out: &mut Output) -> Outcome {
    check_name(&args.name)?;
    if contexts.has(&args.name) {
        return Err(ContextError::Exists(args.name.clone()).into());
    }
    let imported = if args.file == "-" {
        Stored::from_archive(std::io::stdin().lock())?
    } else {
        let file = File::open(&args.file);
        let file = file
            .map_err(|error| Failure::new(format!("open {}: {}", args.file, go_error(&error))))?;
        Stored::from_archive(file)?
    };
    contexts.create(&args.name, &imported)?;
    out.line(&args.name)?;
    out.note(format!("Successfully imported context {:?}", args.name))?;
    Ok(0)
}
