//! What is opened for a process in another user namespace.

use std::os::fd::OwnedFd;

use oci_spec::runtime::{Mount, Spec};

use super::options::Options;
use super::overlay::detached;
use super::tree;
use crate::create::{InitError, Step as _};
use crate::protocol::Rootfs;

/// Mounts that the creating process makes, because the new one is root of its namespace only: there an
/// overlay's own attributes are not those of the layers, and a bind's source may be out of reach.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    root: Option<OwnedFd>,
    /// For each mount of the specification.
    sources: Vec<Option<OwnedFd>>,
}

impl Outside {
    /// Makes them, attached to nothing.
    pub(crate) fn open(spec: &Spec, root: &Rootfs) -> Result<Self, InitError> {
        let mounts = spec.mounts().as_deref().unwrap_or(&[]);
        Ok(Self {
            root: detached(root)?,
            sources: mounts.iter().map(source).collect::<Result<_, _>>()?,
        })
    }

    /// The container's root, if it was made here.
    pub(super) fn root(&self) -> Option<&OwnedFd> {
        self.root.as_ref()
    }

    /// What the mount of this number binds, if it was opened here.
    pub(super) fn source(&self, index: usize) -> Result<Option<OwnedFd>, InitError> {
        let source = self.sources.get(index).and_then(Option::as_ref);
        let copy = source.map(OwnedFd::try_clone).transpose();
        copy.step("copying a handle")
    }
}

/// What cannot be copied here (a part of a tree that is shown as a whole only) is tried again inside, where
/// the failure is told.
fn source(mount: &Mount) -> Result<Option<OwnedFd>, InitError> {
    let reach = Options::of(mount)?.bind;
    let from = mount.source().clone().unwrap_or_default();
    Ok(reach.and_then(|reach| tree::copy_path(&from, reach).ok()))
}
