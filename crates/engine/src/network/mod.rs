//! Operations on networks.

use std::fmt;
use std::sync::Arc;

use crate::engine::Inner;

/// Networks of this engine.
#[derive(Clone)]
pub struct Networks {
    #[expect(dead_code, reason = "the operations follow")]
    inner: Arc<Inner>,
}

impl Networks {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Networks")
    }
}
