//! From this machine into a container.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;

use super::super::super::context::Context;
use super::super::super::image::load::chunks;
use super::super::path;
use super::pack::{Packing, pack};
use super::paths::{absolute, entry_of, rebased, resolve, resolve_parent};
use super::{End, Stat, is_quiet, link_target, stat, target, told};
use crate::args::CpArgs;
use crate::config::go_error;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Copies `source` to a path in a container.
pub(super) async fn run(
    context: &Context,
    args: &CpArgs,
    source: &str,
    (container, place): (&str, &str),
    out: &mut Output,
) -> Outcome {
    let destination = destination(context, container, place).await?;
    let copied = Arc::new(AtomicU64::new(0));
    let (directory, archive): (String, Box<dyn Read + Send>) = if source == "-" {
        if !destination.is_directory {
            return Err(Failure::new(format!(
                "destination \"{container}:{place}\" must be a directory"
            )));
        }
        (destination.path.clone(), Box::new(io::stdin()))
    } else {
        let source = local_source(source, args.follow_link)?;
        let target = target(&source, &destination)?;
        let name = match (target.rename, source.rebase.as_str()) {
            (Some(name), _) => name,
            (None, "") => entry_of(&source.path).1,
            (None, rebase) => rebase.to_owned(),
        };
        let packing = Packing {
            path: source.path,
            name,
        };
        (target.directory, Box::new(pack(packing)?))
    };
    let counted = Counted(archive, Arc::clone(&copied));
    let call = context
        .client
        .call(Method::PUT, path(container, "archive"))
        .query("path", directory)
        .query("noOverwriteDirNonDir", "true");
    let call = if args.archive {
        call.query("copyUIDGID", "true")
    } else {
        call
    };
    let call = call.stream("application/x-tar", chunks(Box::new(counted)));
    call.send().await?.bytes().await?;
    if is_quiet(args, out) || source == "-" {
        return Ok(0);
    }
    let shown = format!("{container}:{}", destination.path);
    told(out, copied.load(Ordering::Relaxed), &shown)
}

/// What is at the path, a link followed. That nothing is there is no mistake yet.
async fn destination(context: &Context, container: &str, place: &str) -> Result<End, Failure> {
    let mut at = place.to_owned();
    let mut found = stat(context, container, &at).await?;
    if let Some(link) = found.as_ref().filter(|stat| stat.is_link()) {
        at = link_target(&at, link);
        found = stat(context, container, &at).await?;
    }
    if found.as_ref().is_some_and(Stat::is_device) {
        return Err(Failure::new(format!(
            "destination \"{container}:{place}\" must be a directory or a regular file: got a device"
        )));
    }
    Ok(End {
        path: at,
        exists: found.is_some(),
        is_directory: found.is_some_and(|stat| stat.is_directory()),
        rebase: String::new(),
    })
}

fn local_source(asked: &str, follow: bool) -> Result<End, Failure> {
    let path = absolute(asked)?;
    let missing = |error: &io::Error| Failure::new(format!("lstat {path}: {}", go_error(error)));
    let (resolved, rebase) = if follow {
        let resolved = resolve(&path).map_err(|error| missing(&error))?;
        rebased(&path, resolved)
    } else {
        resolve_parent(&path).map_err(|error| missing(&error))?
    };
    let found = fs::symlink_metadata(&resolved).map_err(|error| missing(&error))?;
    if found.file_type().is_socket() {
        return Err(Failure::new(format!(
            "{path} is a socket, which no archive has"
        )));
    }
    Ok(End {
        path: resolved,
        exists: true,
        is_directory: found.is_dir(),
        rebase,
    })
}

/// Counts what was sent.
struct Counted(Box<dyn Read + Send>, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
