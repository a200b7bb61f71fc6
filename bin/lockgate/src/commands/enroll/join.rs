//! `lockgate join`: take an invitation.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use lockgate_enroll::{Granted, LinkError, Token};
use lockgate_pki::{Issued, KeyType, Overwrite, PrivateKey};
use lockgate_types::Timestamp;

use super::files::{self, Origin};
use super::{contexts, daemon_json};
use crate::args::{Globals, JoinArgs};
use crate::commands::ca::{self, told};
use crate::config;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Makes a key, proves the authority and the invitation, and writes what was granted.
pub(in crate::commands) fn run(args: &JoinArgs, globals: &Globals, out: &mut Output) -> Outcome {
    let token: Token = read_token(&args.token)?.parse().map_err(told)?;
    token.check_expiry(Timestamp::now()).map_err(told)?;
    let key_type: KeyType = args.key_type.parse().map_err(told)?;
    if let Some(warning) = key_type.warning() {
        out.note(format!("warning: {warning}"))?;
    }
    let directory = match &args.out {
        Some(directory) => directory.clone(),
        None => ca::tree(&args.tree)?.join(&token.set),
    };
    let overwrite = if args.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    };
    // Before the invitation is used up.
    Issued::check_place(&directory, overwrite).map_err(told)?;
    let key = PrivateKey::generate(key_type).map_err(told)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let granted = runtime
        .block_on(lockgate_enroll::join(&token, &key))
        .map_err(|error| refusal(&error))?;
    let origin = Origin {
        address: token.address,
    };
    files::write(&directory, &granted, &key, &origin, overwrite)?;
    let directory = ca::absolute(&directory);
    out.line(format!(
        "{} {}, until {}",
        granted.purpose, granted.identity, granted.not_after
    ))?;
    out.line(format!(
        "  files  {}/{{ca,cert,key}}.pem",
        directory.display()
    ))?;
    if granted.purpose == "server" {
        settings(args, &directory, &origin, out)?;
    } else {
        context(args, globals, &directory, &granted, out)?;
    }
    Ok(0)
}

/// From the command line, or from standard input, which other users cannot see.
fn read_token(given: &str) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text)?;
    Ok(text)
}

pub(super) fn refusal(error: &LinkError) -> Failure {
    let status = match error {
        LinkError::Unreachable { .. }
        | LinkError::WrongPin(_)
        | LinkError::WrongName(_)
        | LinkError::Tls { .. } => 3,
        _ => 1,
    };
    Failure::new(error.to_string()).status(status)
}

fn settings(
    args: &JoinArgs,
    directory: &Path,
    origin: &Origin,
    out: &mut Output,
) -> Result<(), Failure> {
    daemon_json::write(&args.daemon_json, directory, &origin.address)?;
    out.line(format!(
        "  TLS settings written to {}",
        args.daemon_json.display()
    ))?;
    Ok(())
}

fn context(
    args: &JoinArgs,
    globals: &Globals,
    directory: &Path,
    granted: &Granted,
    out: &mut Output,
) -> Result<(), Failure> {
    let Some(host) = granted.hosts.first().filter(|_| !args.no_context) else {
        return ca::client_steps(directory, None, out);
    };
    let folder: PathBuf = config::folder(globals.config.as_deref());
    let name = args
        .context_name
        .clone()
        .unwrap_or_else(|| contexts::name_of(host));
    contexts::write(&folder, &name, host, directory)?;
    out.line(format!("  context {name}: {host}"))?;
    if !args.no_use {
        contexts::switch_to(&folder, &name)?;
        out.line("  it is the current one: `docker ps` and `lockgate ps` talk to that daemon now")?;
    }
    Ok(())
}
