//! The task behind a log stream.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use lockgate_types::Timestamp;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};

use super::LogQuery;
use super::format::Formatter;
use super::read::{Reader, Step};
use crate::container::Lifeline;
use crate::host;

/// A chunk is handed over once it is that large.
const CHUNK: usize = 256 << 10;

type Sender = mpsc::Sender<io::Result<Bytes>>;

/// Reads the log into `sender` until its end, or until nobody listens.
pub(super) async fn run(
    path: PathBuf,
    query: LogQuery,
    raw: bool,
    life: Option<watch::Receiver<Lifeline>>,
    sender: Sender,
) {
    let life = life.filter(|_| query.follow);
    let result = async {
        // Watched before it is read, so that nothing is written unnoticed in between.
        let watch = match &life {
            Some(_) => Some(Watch::new(path.parent().unwrap_or_else(|| Path::new("/")))?),
            None => None,
        };
        let formatter = Formatter::new(&query, raw);
        let tail = query.tail;
        let opening = tokio::task::spawn_blocking(move || Reader::open(&path, tail));
        let source = Source {
            reader: opening.await??,
            formatter,
        };
        match (life, watch) {
            (Some(life), Some(watch)) => follow(source, &query, life, watch, &sender).await,
            _ => drain(source, &sender).await.map(drop),
        }
    };
    if let Err(error) = result.await {
        // Nobody listens any more: nobody to tell.
        drop(sender.send(Err(error)).await);
    }
}

struct Source {
    reader: Reader,
    formatter: Formatter,
}

async fn follow(
    mut source: Source,
    query: &LogQuery,
    mut life: watch::Receiver<Lifeline>,
    mut watch: Watch,
    sender: &Sender,
) -> io::Result<()> {
    loop {
        // Looked at before reading: what was written before the end is then read as well.
        let ended = !life.borrow_and_update().running;
        match drain(source, sender).await? {
            Some(back) if !ended => source = back,
            _ => return Ok(()),
        }
        let left = match query.until {
            Some(until) => until.since(Timestamp::now()),
            None => Duration::MAX,
        };
        if left.is_zero() {
            return Ok(());
        }
        tokio::select! {
            changed = life.changed() => if changed.is_err() { return Ok(()) },
            written = watch.changed() => written?,
            () = sender.closed() => return Ok(()),
            () = sleep(left) => {}
        }
    }
}

async fn sleep(time: Duration) {
    if time == Duration::MAX {
        std::future::pending::<()>().await;
    } else {
        tokio::time::sleep(time).await;
    }
}

/// Reads up to what is written so far. `None` if nothing more is wanted.
async fn drain(source: Source, sender: &Sender) -> io::Result<Option<Source>> {
    let sender = sender.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let Source {
            mut reader,
            formatter,
        } = source;
        let mut out = Vec::new();
        loop {
            let step = reader.step(&formatter, &mut out)?;
            let is_due = step != Step::More || out.len() >= CHUNK;
            if is_due && !out.is_empty() {
                let chunk = std::mem::replace(&mut out, Vec::with_capacity(CHUNK + CHUNK / 4));
                if sender.blocking_send(Ok(chunk.into())).is_err() {
                    return Ok(None);
                }
            }
            match step {
                Step::More => {}
                Step::CaughtUp => return Ok(Some(Source { reader, formatter })),
                Step::Past => return Ok(None),
            }
        }
    });
    reading.await?
}

/// Wakes when something in a directory is written or renamed.
struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    fn new(directory: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let events = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF;
        inotify::add_watch(&inotify, directory, events)?;
        Ok(Self(host::watch(inotify)?))
    }

    async fn changed(&mut self) -> io::Result<()> {
        let mut ready = self.0.readable_mut().await?;
        let mut buffer = [0; 4096];
        // What exactly happened does not matter: the reader looks for itself.
        while rustix::io::read(ready.get_inner(), &mut buffer).is_ok_and(|length| length > 0) {}
        ready.clear_ready();
        Ok(())
    }
}
