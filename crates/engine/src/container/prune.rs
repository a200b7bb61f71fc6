//! Removing all stopped containers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockgate_store::SnapshotError;
use lockgate_types::Timestamp;
use lockgate_types::event::EventKind;

use super::Containers;
use super::error::PruneError;
use super::handle::{Container, Order};
use super::request::{Pruned, RemoveOptions};
use super::state::Status;
use crate::filter::Filters;
use crate::rootfs;

impl Containers {
    /// Removes all stopped containers that match (`label`, `label!`, `until`).
    pub async fn prune(&self, filters: &Filters) -> Result<Pruned, PruneError> {
        filters.check_keys(&["label", "label!", "until"])?;
        let until = filters.until(Timestamp::now())?;
        let pruning = Pruning::begin(&self.inner.pruning)?;
        let mut pruned = Pruned::default();
        for container in self.inner.registry.all() {
            let facts = container.facts();
            let stopped = matches!(
                facts.state.status,
                Status::Created | Status::Exited | Status::Dead
            );
            let old = until.is_none_or(|until| facts.record.created <= until);
            if stopped && old && filters.matches_labels(facts.record.config.labels.as_ref()) {
                self.prune_one(&container, &mut pruned).await;
            }
        }
        drop(pruning);
        let space = pruned.space_reclaimed.to_string();
        let attributes = [("reclaimed".to_owned(), space)].into_iter().collect();
        self.inner
            .events
            .publish(EventKind::Container, "prune", "", attributes);
        Ok(pruned)
    }

    /// One that does not go (it was started meanwhile) is left out.
    async fn prune_one(&self, container: &Arc<Container>, pruned: &mut Pruned) {
        let size = self.layer_size(container).await;
        match container
            .order(Order::Remove(RemoveOptions::default()))
            .await
        {
            Ok(_) => {
                pruned.deleted.push(container.id.clone());
                pruned.space_reclaimed += u64::try_from(size).unwrap_or_default();
            }
            Err(failure) => tracing::debug!(container = %container.id, ?failure, "not pruned"),
        }
    }

    /// Bytes of a container's writable layer.
    pub(super) async fn layer_size(&self, container: &Container) -> i64 {
        let store = self.inner.store.clone();
        let id = container.id.clone();
        let measure = move || {
            let size = store.snapshot_size(&id)?;
            Ok::<_, SnapshotError>(size - rootfs::furniture(&store.snapshot(&id)?))
        };
        match tokio::task::spawn_blocking(measure).await {
            Ok(Ok(size)) => size,
            Ok(Err(error)) => {
                tracing::debug!(%error, "cannot measure a container");
                0
            }
            Err(_) => 0,
        }
    }
}

/// One prune at a time.
struct Pruning<'a>(&'a AtomicBool);

impl<'a> Pruning<'a> {
    fn begin(running: &'a AtomicBool) -> Result<Self, PruneError> {
        if running.swap(true, Ordering::AcqRel) {
            return Err(PruneError::Running);
        }
        Ok(Self(running))
    }
}

impl Drop for Pruning<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
