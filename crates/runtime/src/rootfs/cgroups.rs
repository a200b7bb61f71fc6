//! A container's view of its cgroups.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use lockgate_sys::mount::{MountAttributes, Reach};

use super::options::RDONLY;
use super::resolve::{Kind, ensure_in_root};
use super::tree;
use crate::cgroup::{Cgroup, Version};

/// Mounts the container's own directories: on v2 the one, on v1 one for each hierarchy in a tmpfs.
///
/// They are copies of the host's mounts, cut off at the container's directory, so that nothing above it
/// can be seen. `attributes` are those of the specification's mount.
pub(super) fn mount(cgroup: &Cgroup, target: &OwnedFd, attributes: u64) -> io::Result<()> {
    if cgroup.version() == Version::V2 {
        for (_, directory) in cgroup.views() {
            put(&directory, target, attributes)?;
        }
        return Ok(());
    }
    let options = ["mode=755".to_owned()];
    let tmpfs = tree::new_filesystem("tmpfs", Path::new("tmpfs"), &options, attributes & !RDONLY)?;
    tree::attach(&tmpfs, target)?;
    for (controllers, directory) in cgroup.views() {
        let joined = controllers.join(",");
        // A hierarchy without controllers is known by its name alone, as `systemd`.
        let name = joined.strip_prefix("name=").unwrap_or(&joined);
        let place = ensure_in_root(&tmpfs, Path::new(name), Kind::Directory)?;
        put(&directory, &place, attributes)?;
        for controller in controllers.iter().filter(|c| c.as_str() != name) {
            if !controller.starts_with("name=") {
                rustix::fs::symlinkat(name, &tmpfs, controller.as_str())?;
            }
        }
    }
    let attributes = MountAttributes {
        set: attributes & RDONLY,
        ..MountAttributes::default()
    };
    tree::change(&tmpfs, Reach::One, attributes)
}

fn put(directory: &Path, target: &OwnedFd, attributes: u64) -> io::Result<()> {
    let tree = tree::copy_path(directory, Reach::One)?;
    let attributes = MountAttributes {
        set: attributes,
        ..MountAttributes::default()
    };
    tree::change(&tree, Reach::One, attributes)?;
    tree::attach(&tree, target)?;
    Ok(())
}
