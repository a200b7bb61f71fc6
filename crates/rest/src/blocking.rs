//! Work that waits for the disk.

use lockgate_types::ErrorKind;

use crate::error::Failure;

/// Runs `work` where it may block. It is finished even if nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_gone| Failure::new(ErrorKind::Unavailable, "the engine is shutting down"))
}
