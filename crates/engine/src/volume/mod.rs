//! Operations on volumes.

use std::fmt;
use std::sync::Arc;

use crate::engine::Inner;

/// Volumes of this engine.
#[derive(Clone)]
pub struct Volumes {
    #[expect(dead_code, reason = "the operations follow")]
    inner: Arc<Inner>,
}

impl Volumes {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for Volumes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Volumes")
    }
}
