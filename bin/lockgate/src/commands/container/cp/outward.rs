//! From a container to this machine.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

use super::super::super::context::Context;
use super::super::path;
use super::paths::{absolute, base, clean, entry_of, rebased};
use super::unpack::{Unpacking, unpack};
use super::{End, Stat, is_quiet, link_target, stat, target, told};
use crate::args::CpArgs;
use crate::client::Answer;
use crate::config::go_error;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Copies a path in a container to `place`.
pub(super) async fn run(
    context: &Context,
    args: &CpArgs,
    (container, source): (&str, &str),
    place: &str,
    out: &mut Output,
) -> Outcome {
    let destination = match place {
        "-" => None,
        place => {
            let place = absolute(place)?;
            check_output(&place)?;
            Some(place)
        }
    };
    let mut source = End {
        path: source.to_owned(),
        ..End::default()
    };
    if args.follow_link
        && let Some(found) = stat(context, container, &source.path).await?
        && found.is_link()
    {
        let leads = link_target(&source.path, &found);
        (source.path, source.rebase) = rebased(&source.path, leads);
    }
    let call = context.client.get(path(container, "archive"));
    let mut answer = call.query("path", source.path.as_str()).send().await?;
    let Some(place) = destination else {
        while let Some(bytes) = answer.chunk().await? {
            out.bytes_now(&bytes)?;
        }
        return Ok(0);
    };
    source.exists = true;
    source.is_directory = Stat::of(&answer)?.is_directory();
    let target = target(&source, &local_destination(&place)?)?;
    let own = match entry_of(&source.path).1 {
        // The daemon calls the root so, and what is in it as if it were relative.
        name if name == "/" => String::new(),
        name => name,
    };
    let rebase = Some(source.rebase).filter(|name| !name.is_empty());
    let unpacking = Unpacking {
        directory: target.directory,
        rename: target.rename.or(rebase).map(|name| (own, name)),
    };
    let copied = receive(answer, unpacking).await?;
    if is_quiet(args, out) {
        return Ok(0);
    }
    told(out, copied, &place)
}

/// Unpacks on a thread what arrives here.
async fn receive(mut answer: Answer, unpacking: Unpacking) -> Result<u64, Failure> {
    let (sender, receiver) = mpsc::channel(4);
    let reader = Pieces {
        receiver,
        piece: Bytes::new(),
    };
    let work = tokio::task::spawn_blocking(move || unpack(reader, &unpacking));
    let mut broken = None;
    loop {
        let piece = match answer.chunk().await {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => break,
            Err(error) => {
                let text = error.to_string();
                broken = Some(error);
                Err(io::Error::other(text))
            }
        };
        if sender.send(piece).await.is_err() || broken.is_some() {
            break;
        }
    }
    drop(sender);
    let done = work
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    match broken {
        Some(error) => Err(error.into()),
        None => done,
    }
}

/// What arrived, for a thread to read.
struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        let part = buffer.get_mut(..length).unwrap_or_default();
        self.piece.copy_to_slice(part);
        Ok(length)
    }
}

/// The directory must exist, and what is there must be something that can be replaced.
fn check_output(place: &str) -> Result<(), Failure> {
    let (parent, _) = entry_of(&clean(place));
    if !Path::new(&parent).exists() {
        return Err(Failure::new(format!(
            "invalid output path: directory {parent:?} does not exist"
        )));
    }
    match fs::metadata(place) {
        Ok(found) if !found.is_dir() && !found.is_file() => Err(Failure::new(format!(
            "invalid output path: {place:?} must be a directory or a regular file: got a device"
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(Failure::new(format!("stat {place}: {}", go_error(&error))))
        }
        _ => Ok(()),
    }
}

/// What is at the destination, links followed; a link that leads nowhere names what is to be made.
fn local_destination(place: &str) -> Result<End, Failure> {
    let mut at = place.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_symlink() => {
                let link = fs::read_link(&at)?;
                at = if link.is_absolute() {
                    link.to_string_lossy().into_owned()
                } else {
                    clean(&format!("{}/{}", entry_of(&at).0, link.to_string_lossy()))
                };
            }
            Ok(found) => {
                return Ok(End {
                    is_directory: found.is_dir(),
                    path: at,
                    exists: true,
                    rebase: String::new(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (parent, _) = entry_of(&at);
                let found = fs::metadata(&parent);
                let found = found.map_err(|error| {
                    Failure::new(format!("stat {parent}: {}", go_error(&error)))
                })?;
                if !found.is_dir() {
                    return Err(Failure::new("not a directory"));
                }
                return Ok(End {
                    path: at,
                    ..End::default()
                });
            }
            Err(error) => return Err(Failure::new(format!("lstat {at}: {}", go_error(&error)))),
        }
    }
    Err(Failure::new(format!(
        "too many symlinks in {}",
        base(place)
    )))
}

const MAX_LINKS: usize = 11;
