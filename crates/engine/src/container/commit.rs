//! An image of a container.
//!
//! A thread packs the writable layer while the store unpacks it into a layer of its own; between them is a pipe, so
//! neither is ahead of the other by more than that.

use std::io::{self, PipeReader, Read};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use lockgate_store::{CommitOptions, Form, LoadError, PackError, Packer, Snapshot};
use lockgate_types::IdMapping;
use lockgate_types::container::ContainerConfig;
use lockgate_types::{ContainerId, Digest, ErrorKind, ImageRef};

use super::create::merge;
use super::error::{FaultError, LookupError, PauseError};
use super::files::silent_paths;
use super::handle::Facts;
use super::{Containers, Status, events};
use crate::engine::Inner;
use crate::image::{ChangeError, Images, TagImageError, apply_changes, new_reference};

/// What a commit is asked for.
#[derive(Clone, Debug, Default)]
pub struct CommitContainer {
    /// The repository of the image's name; empty for none.
    pub repository: String,
    /// The tag; empty for the one in `repository`, or `latest`.
    pub tag: String,
    /// Who made it.
    pub author: String,
    /// The comment of its history entry.
    pub comment: String,
    /// Freeze the container meanwhile.
    pub pause: bool,
    /// Dockerfile instructions that change its configuration.
    pub changes: Vec<String>,
    /// The configuration to begin with; the container's own if there is none.
    pub config: Option<ContainerConfig>,
}

/// Why a container is not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It is half removed.
    #[error("You cannot commit container {0} which is Dead")]
    Dead(ContainerId),
    /// It is about to go.
    #[error("You cannot commit container {0} which is being removed")]
    Removing(ContainerId),
    /// It cannot be frozen.
    #[error(transparent)]
    Pause(#[from] PauseError),
    /// An instruction that cannot be applied.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The name cannot be given.
    #[error(transparent)]
    Tag(#[from] TagImageError),
    /// The store, or the layer.
    #[error(transparent)]
    Store(#[from] LoadError),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl CommitError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Dead(_) | Self::Removing(_) => ErrorKind::Conflict,
            Self::Pause(error) => error.kind(),
            Self::Change(error) => error.kind(),
            Self::Tag(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Fault(fault) => fault.kind(),
        }
    }
}

impl Containers {
    /// Makes an image of a container's file system and configuration. On disk when this returns.
    pub async fn commit(&self, name: &str, wanted: CommitContainer) -> Result<Digest, CommitError> {
        let container = self.inner.registry.find(name)?;
        let reference = match wanted.repository.as_str() {
            "" => None,
            repository => Some(new_reference(repository, &wanted.tag)?),
        };
        let facts = container.facts();
        match facts.state.status {
            Status::Dead => return Err(CommitError::Dead(container.id.clone())),
            Status::Removing => return Err(CommitError::Removing(container.id.clone())),
            _ => {}
        }
        let config = configuration(&facts, wanted.config.clone(), &wanted.changes)?;
        // Without a cgroup nothing can be frozen; as in the stock engine the commit goes on.
        let mut pauses =
            wanted.pause && facts.state.status == Status::Running && self.inner.host.has_cgroups;
        if pauses {
            match self.pause(container.id.as_str()).await {
                Ok(()) => {}
                // It has ended meanwhile, or somebody else froze it: there is nothing to hold still.
                Err(
                    PauseError::NotRunning(_)
                    | PauseError::AlreadyPaused(_)
                    | PauseError::Restarting(_),
                ) => pauses = false,
                Err(error) => return Err(error.into()),
            }
        }
        // Held only while nothing is asked of the container's driver, which may be waiting for it.
        let shared = container.files.share().await;
        let engine = Arc::clone(&self.inner);
        let committing = tokio::task::spawn_blocking(move || {
            commit(&engine, &facts, config, &wanted, reference)
        });
        let made = committing.await;
        drop(shared);
        if pauses && let Err(error) = self.unpause(container.id.as_str()).await {
            tracing::warn!(container = %container.id, %error, "cannot thaw after a commit");
        }
        made.unwrap_or_else(|_panic| Err(FaultError::Closing.into()))
    }
}

/// The container's configuration with the changes; what they leave open is the container's.
fn configuration(
    facts: &Facts,
    base: Option<ContainerConfig>,
    changes: &[String],
) -> Result<ContainerConfig, ChangeError> {
    let own = &facts.record.config;
    let mut config = base.unwrap_or_else(|| own.clone());
    apply_changes(&mut config, changes)?;
    merge(&mut config, own);
    Ok(config)
}

fn commit(
    engine: &Arc<Inner>,
    facts: &Facts,
    config: ContainerConfig,
    wanted: &CommitContainer,
    reference: Option<ImageRef>,
) -> Result<Digest, CommitError> {
    let record = &facts.record;
    let snapshot = engine.store.snapshot(&record.id);
    let snapshot = snapshot.map_err(|error| FaultError::Store(error.to_string()))?;
    let shown = reference.as_ref().map(ImageRef::familiar);
    let options = CommitOptions {
        parent: record.image,
        config,
        container: (record.id.clone(), record.config.clone()),
        author: wanted.author.clone(),
        comment: wanted.comment.clone(),
        version: engine.config.version.clone(),
        reference,
    };
    let packing = Packing::start(&snapshot, engine.config.ids.clone())?;
    let id = engine.store.commit_layer(packing, &options)?;
    let images = Images::new(Arc::clone(engine));
    images.tell(&id, &id.to_string(), "create");
    if let Some(name) = &shown {
        images.tell(&id, name, "tag");
    }
    let attributes = [
        ("comment", wanted.comment.clone()),
        ("imageID", id.to_string()),
        ("imageRef", shown.unwrap_or_default()),
    ];
    events::container(engine, record, "commit", attributes);
    Ok(id)
}

/// The tar stream of a writable layer, made by a thread. It ends well only if the packing did.
struct Packing {
    pipe: PipeReader,
    thread: Option<JoinHandle<Result<(), PackError>>>,
}

impl Packing {
    fn start(snapshot: &Snapshot, ids: IdMapping) -> Result<Self, FaultError> {
        let silent = silent_paths(snapshot)?;
        let failed = || FaultError::file("pack the container's changes");
        let flags =
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        let upper = rustix::fs::open(&snapshot.upper, flags, rustix::fs::Mode::empty())
            .map_err(|error| failed()(error.into()))?;
        let (pipe, out) = io::pipe().map_err(failed())?;
        let packing = move || {
            let out = io::BufWriter::with_capacity(BUFFER, out);
            let mut packer = Packer::new(out, Form::Layer);
            packer.map_owners(ids);
            packer.leave_out(silent);
            packer.contents(&upper)?;
            packer.finish()?;
            Ok(())
        };
        let thread = thread::Builder::new().name("commit".to_owned());
        let thread = thread.spawn(packing).map_err(failed())?;
        Ok(Self {
            pipe,
            thread: Some(thread),
        })
    }
}

impl Read for Packing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        if read == 0
            && !buffer.is_empty()
            && let Some(thread) = self.thread.take()
        {
            let packed = thread.join();
            packed
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                .map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

const BUFFER: usize = 64 * 1024;
