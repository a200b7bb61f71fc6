//! Who has a container's file system open.
//!
//! A writable layer may be mounted once only, so a container does not start while a view of it is open: views
//! share the lock, a start has it alone. A client that reads slowly cannot keep a container from starting: after
//! some patience the start asks the views to leave.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch};

/// How long a start waits for copies to finish by themselves.
const PATIENCE: Duration = Duration::from_secs(10);

/// The lock of one container.
#[derive(Debug)]
pub(crate) struct FileLock {
    lock: Arc<RwLock<()>>,
    leave: watch::Sender<bool>,
}

/// A share of the lock, kept by each view.
#[derive(Debug)]
pub(crate) struct Shared {
    _guard: OwnedRwLockReadGuard<()>,
    leave: watch::Receiver<bool>,
}

impl Default for FileLock {
    fn default() -> Self {
        Self {
            lock: Arc::default(),
            leave: watch::Sender::new(false),
        }
    }
}

impl FileLock {
    /// Waits for a start that is under way.
    pub(crate) async fn share(&self) -> Shared {
        let guard = Arc::clone(&self.lock).read_owned().await;
        Shared {
            _guard: guard,
            leave: self.leave.subscribe(),
        }
    }

    /// Waits until no view is open.
    pub(crate) async fn alone(&self) -> OwnedRwLockWriteGuard<()> {
        self.alone_after(PATIENCE).await
    }

    async fn alone_after(&self, patience: Duration) -> OwnedRwLockWriteGuard<()> {
        let mut waiting = std::pin::pin!(Arc::clone(&self.lock).write_owned());
        if let Ok(guard) = tokio::time::timeout(patience, &mut waiting).await {
            return guard;
        }
        self.leave.send_replace(true);
        let guard = waiting.await;
        self.leave.send_replace(false);
        guard
    }
}

impl Shared {
    /// Ends when a start has waited long enough.
    pub(crate) fn leaving(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut leave = self.leave.clone();
        async move {
            if leave.wait_for(|leave| *leave).await.is_err() {
                // The container is gone, and with it who could wait for us.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_start_waits_for_views_and_then_asks_them_to_leave() {
        let lock = Arc::new(FileLock::default());
        let (one, two) = (lock.share().await, lock.share().await);
        let starting = Arc::clone(&lock);
        let start = tokio::spawn(async move { starting.alone_after(Duration::ZERO).await });
        one.leaving().await;
        drop((one, two));
        let alone = start.await.unwrap();
        let late = tokio::time::timeout(Duration::from_millis(20), lock.share()).await;
        assert!(late.is_err(), "a view opened during a start");
        drop(alone);
        let next = lock.share().await;
        let leaving = tokio::time::timeout(Duration::from_millis(20), next.leaving()).await;
        assert!(leaving.is_err(), "the next view was asked to leave");
    }
}
