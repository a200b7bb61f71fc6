//! Layers that work in progress counts on.

use lockgate_types::Digest;

use crate::store::Store;

/// Keeps layers from being removed while it lives. When it goes, those that nothing came to need
/// are removed, which is how a failed load leaves nothing behind.
pub(crate) struct Pins {
    store: Store,
    pinned: Vec<Digest>,
}

impl Pins {
    pub(crate) fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            pinned: Vec::new(),
        }
    }

    /// Pins a layer if it is here.
    pub(crate) fn pin_existing(&mut self, diff_id: &Digest) -> bool {
        let mut state = self.store.state();
        let exists = state.layers.contains_key(diff_id);
        if exists {
            *state.pins.entry(*diff_id).or_default() += 1;
            self.pinned.push(*diff_id);
        }
        exists
    }

    /// Notes a pin that was entered into the state already.
    pub(crate) fn adopt(&mut self, diff_id: Digest) {
        self.pinned.push(diff_id);
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut state = self.store.state();
        for diff_id in &self.pinned {
            if let Some(count) = state.pins.get_mut(diff_id) {
                *count -= 1;
                if *count == 0 {
                    state.pins.remove(diff_id);
                }
            }
        }
        if let Err(error) = self.store.collect_layers(&mut state, &self.pinned) {
            tracing::warn!(%error, "cannot remove unused layers");
        }
    }
}
