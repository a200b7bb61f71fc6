//! `cp`.
//!
//! The daemon sends and takes tar streams; which names the members have, and where a stream is unpacked, is decided
//! here from what is at both ends.

mod inward;
mod outward;
mod pack;
mod paths;
mod unpack;

use std::path::Path;

use base64::Engine as _;
use http::Method;
use serde::Deserialize;

use super::super::context::Context;
use super::path;
use crate::args::CpArgs;
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use paths::{entry_of, holds_here};

/// Runs `cp`.
pub(crate) async fn run(context: &Context, args: &CpArgs, out: &mut Output) -> Outcome {
    for (what, text) in [("source", &args.source), ("destination", &args.destination)] {
        if text.is_empty() {
            return Err(Failure::new(format!("{what} can not be empty")));
        }
    }
    match (split(&args.source), split(&args.destination)) {
        ((Some(container), source), (None, target)) => {
            outward::run(context, args, (container, source), target, out).await
        }
        ((None, source), (Some(container), target)) => {
            inward::run(context, args, source, (container, target), out).await
        }
        ((Some(_), _), (Some(_), _)) => {
            Err(Failure::new("copying between containers is not supported"))
        }
        ((None, _), (None, _)) => Err(Failure::new("must specify at least one container source")),
    }
}

/// `CONTAINER:PATH`, or a path of this machine: one that begins with `/` or `.`, or has no colon.
pub(in crate::commands) fn split(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((container, path)) if !text.starts_with('/') && !container.starts_with('.') => {
            (Some(container), path)
        }
        _ => (None, text),
    }
}

/// What the daemon says of a path in a container.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stat {
    mode: u32,
    link_target: String,
}

impl Stat {
    fn is_directory(&self) -> bool {
        self.mode & (1 << 31) != 0
    }

    fn is_link(&self) -> bool {
        self.mode & (1 << 27) != 0
    }

    fn is_device(&self) -> bool {
        self.mode & (1 << 26) != 0
    }

    fn of(answer: &crate::client::Answer) -> Result<Self, Failure> {
        let bad = || Failure::new("unable to decode container path stat header");
        let value = answer.headers().get("x-docker-container-path-stat");
        let value = value.ok_or_else(bad)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_bytes());
        serde_json::from_slice(&bytes.map_err(|_base64| bad())?).map_err(|_json| bad())
    }
}

/// What is at a path in a container; `None` if the daemon does not find it.
async fn stat(context: &Context, container: &str, at: &str) -> Result<Option<Stat>, ClientError> {
    let call = context
        .client
        .call(Method::HEAD, path(container, "archive"));
    let answer = call.query("path", at).send_raw().await?;
    Ok(Stat::of(&answer)
        .ok()
        .filter(|_| answer.status().is_success()))
}

/// Where a link leads that the daemon told of.
fn link_target(at: &str, stat: &Stat) -> String {
    if Path::new(&stat.link_target).is_absolute() {
        return stat.link_target.clone();
    }
    paths::clean(&format!("{}/{}", entry_of(at).0, stat.link_target))
}

/// One end of a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct End {
    path: String,
    exists: bool,
    is_directory: bool,
    /// The name that was asked for, where a link gave another one.
    rebase: String,
}

/// Where the stream is unpacked, and the first component's name there if it is another than at the source.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    directory: String,
    rename: Option<String>,
}

/// Decides by what is there: a directory takes the copy in, everything else is replaced by it or made.
fn target(source: &End, destination: &End) -> Result<Target, Failure> {
    let (parent, name) = entry_of(&destination.path);
    let renamed = Target {
        directory: parent,
        rename: Some(name),
    };
    if destination.exists && destination.is_directory {
        return Ok(Target {
            directory: destination.path.clone(),
            rename: None,
        });
    }
    if destination.exists && source.is_directory {
        return Err(Failure::new("cannot copy directory"));
    }
    let means_directory = destination.path.ends_with('/') || holds_here(&destination.path);
    if !destination.exists && !source.is_directory && means_directory {
        return Err(Failure::new("no such directory"));
    }
    Ok(renamed)
}

/// Whether nothing is said about success: for scripts, and for those who asked.
fn is_quiet(args: &CpArgs, out: &Output) -> bool {
    args.quiet || !out.is_terminal()
}

/// The last line, for people.
fn told(out: &mut Output, copied: u64, to: &str) -> Outcome {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with four digits")]
    let size = crate::spec::units::human_size(copied as f64, 3);
    out.note(format!("Successfully copied {size} to {to}"))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(path: &str, exists: bool, is_directory: bool) -> End {
        End {
            path: path.to_owned(),
            exists,
            is_directory,
            rebase: String::new(),
        }
    }

    #[test]
    fn containers_are_told_from_paths() {
        assert_eq!(split("c:/x"), (Some("c"), "/x"));
        assert_eq!(split("c:x:y"), (Some("c"), "x:y"));
        assert_eq!(split("/c:/x"), (None, "/c:/x"));
        assert_eq!(split("./c:x"), (None, "./c:x"));
        assert_eq!(split("plain"), (None, "plain"));
        assert_eq!(split("-"), (None, "-"));
    }

    #[test]
    fn the_destination_decides_about_names() {
        let (file, tree) = (end("/s/f", true, false), end("/s/d", true, true));
        let to = |source: &End, destination: &End| target(source, destination).unwrap();
        let into = to(&tree, &end("/w", true, true));
        assert_eq!((into.directory.as_str(), into.rename), ("/w", None));
        let renamed = to(&tree, &end("/w/new", false, false));
        assert_eq!(renamed.directory, "/w");
        assert_eq!(renamed.rename.as_deref(), Some("new"));
        let replaced = to(&file, &end("/w/old", true, false));
        assert_eq!(replaced.rename.as_deref(), Some("old"));
        target(&tree, &end("/w/old", true, false)).unwrap_err();
        target(&file, &end("/w/new/", false, false)).unwrap_err();
    }
}
