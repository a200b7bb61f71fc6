//! `lockgate renew`: a new certificate over the connection that the old one secures.

use std::path::{Path, PathBuf};

use lockgate_pki::{Overwrite, PrivateKey};
use lockgate_types::Timestamp;

use super::files::{self, Origin};
use super::{contexts, join};
use crate::args::{Globals, RenewArgs};
use crate::commands::ca::{self, told};
use crate::config;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Renews every set that is due; goes on after a failure, and fails then.
pub(in crate::commands) fn run(args: &RenewArgs, globals: &Globals, out: &mut Output) -> Outcome {
    let mut status = 0;
    for directory in directories(args)? {
        if let Err(failure) = one(args, globals, &directory, out) {
            out.note(format!("{}: {failure}", directory.display()))?;
            status = failure.code().max(1);
        }
    }
    Ok(status)
}

fn directories(args: &RenewArgs) -> Result<Vec<PathBuf>, Failure> {
    if !args.directories.is_empty() {
        return Ok(args.directories.clone());
    }
    let tree = ca::tree(&args.tree)?;
    if args.daemon {
        return Ok(vec![tree.join("server")]);
    }
    let found = files::joined(&tree);
    if found.is_empty() {
        let text = format!("nothing in {} has joined an authority", tree.display());
        return Err(Failure::new(text).hint("name a directory with ca.pem, cert.pem and key.pem"));
    }
    Ok(found)
}

fn one(
    args: &RenewArgs,
    globals: &Globals,
    directory: &Path,
    out: &mut Output,
) -> Result<(), Failure> {
    let current = files::read(directory)?;
    if !args.force && !current.info.is_due(Timestamp::now()) {
        let until = current.info.not_after;
        out.line(format!(
            "{}: good until {until}, nothing to do",
            directory.display()
        ))?;
        return Ok(());
    }
    let address = args.address.clone();
    let address = address.or_else(|| Origin::read(directory).map(|origin| origin.address));
    let address = address
        .ok_or_else(|| Failure::new("this set joined no authority: give --address HOST:PORT"))?;
    let key = if args.keep_key {
        current.key
    } else {
        PrivateKey::generate(current.info.key_type()).map_err(told)?
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let renewing = lockgate_enroll::renew(&address, &current.trusting, &current.credentials, &key);
    let granted = runtime
        .block_on(renewing)
        .map_err(|error| join::refusal(&error))?;
    let old = std::fs::read(directory.join("cert.pem"))?;
    files::write(
        directory,
        &granted,
        &key,
        &Origin { address },
        Overwrite::Replace,
    )?;
    let folder = config::folder(globals.config.as_deref());
    let copies = contexts::replace_copies(&folder, &old, directory)?;
    out.line(format!(
        "{} {}: until {}{}",
        granted.purpose,
        granted.identity,
        granted.not_after,
        if copies > 0 { ", contexts too" } else { "" }
    ))?;
    Ok(())
}
