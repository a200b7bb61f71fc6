//! `mount_setattr(2)`.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Attribute bits of a mount (`MOUNT_ATTR_*`), and its propagation (`MS_PRIVATE` and the like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountAttributes {
    /// Bits to set.
    pub set: u64,
    /// Bits to clear.
    pub clear: u64,
    /// One of the `MS_` propagation flags, or 0 to leave it.
    pub propagation: u64,
}

/// Which mounts [`set_attributes`] changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The mount itself.
    One,
    /// Those below it as well.
    Recursive,
}

/// Changes the mount at `path` below `directory`; an empty path means the directory's own mount.
pub fn set_attributes(
    directory: BorrowedFd<'_>,
    path: &CStr,
    reach: Reach,
    attributes: MountAttributes,
) -> io::Result<()> {
    let mut flags = libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW;
    if reach == Reach::Recursive {
        flags |= libc::AT_RECURSIVE;
    }
    let attr = MountAttr {
        attr_set: attributes.set,
        attr_clr: attributes.clear,
        propagation: attributes.propagation,
        userns_fd: 0,
    };
    // JUSTIFICATION: neither std nor rustix offers mount_setattr.
    // SAFETY: the path is NUL-terminated and `attr` a mount_attr of the given size; both outlive the call.
    let code = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory.as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    };
    if code == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// `struct mount_attr` of the kernel.
#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}
