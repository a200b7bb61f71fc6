//! Operations on images.

use std::fmt;
use std::sync::Arc;

use crate::engine::Inner;

/// Images of this engine.
#[derive(Clone)]
pub struct Images {
    #[expect(dead_code, reason = "the operations follow")]
    inner: Arc<Inner>,
}

impl Images {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Images")
    }
}
