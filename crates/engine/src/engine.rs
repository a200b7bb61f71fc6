//! The engine's handle and what its parts share.

use std::fmt;
use std::sync::Arc;

use crate::config::{EngineConfig, OpenError};
use crate::container::Containers;
use crate::event::Events;
use crate::exec::Execs;
use crate::image::Images;
use crate::info::Info;
use crate::network::Networks;
use crate::volume::Volumes;

/// A running container engine. Clones are cheap and mean the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What the parts of an engine share.
pub(crate) struct Inner {
    pub(crate) config: EngineConfig,
    pub(crate) events: Events,
}

impl Engine {
    /// Opens the roots, finds the containers that are there, and adopts those that run.
    pub async fn open(_config: EngineConfig) -> Result<Self, OpenError> {
        todo!("open")
    }

    /// Stops serving: containers keep running with `live_restore`, else they are stopped.
    pub async fn close(&self) {
        todo!("close")
    }

    /// What this engine was opened with.
    pub fn config(&self) -> &EngineConfig {
        &self.inner.config
    }

    /// Containers.
    pub fn containers(&self) -> Containers {
        Containers::new(Arc::clone(&self.inner))
    }

    /// Processes that were added to running containers.
    pub fn execs(&self) -> Execs {
        Execs::new(Arc::clone(&self.inner))
    }

    /// Images.
    pub fn images(&self) -> Images {
        Images::new(Arc::clone(&self.inner))
    }

    /// Volumes.
    pub fn volumes(&self) -> Volumes {
        Volumes::new(Arc::clone(&self.inner))
    }

    /// Networks.
    pub fn networks(&self) -> Networks {
        Networks::new(Arc::clone(&self.inner))
    }

    /// The event bus.
    pub fn events(&self) -> &Events {
        &self.inner.events
    }

    /// Facts about this engine and its host, as `GET /info` shows them.
    pub fn info(&self) -> Info {
        todo!("info")
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("data_root", &self.inner.config.data_root).finish()
    }
}
