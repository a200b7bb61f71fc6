//! When a process gets a processor, and the disk: `sched_setattr(2)` and `ioprio_set(2)`.

use std::io;

/// What `sched_setattr` takes: the kernel's `struct sched_attr` without its size, which is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// For `SCHED_OTHER` and `SCHED_BATCH`.
    pub nice: i32,
    /// For `SCHED_FIFO` and `SCHED_RR`.
    pub priority: u32,
    /// Nanoseconds, as the next two: for `SCHED_DEADLINE`.
    pub runtime: u64,
    /// Until when, in each period.
    pub deadline: u64,
    /// The period.
    pub period: u64,
}

/// Schedules the calling thread, and what it starts, in this way.
pub fn set_attributes(attributes: &Attributes) -> io::Result<()> {
    let raw = RawAttributes {
        size: SIZE,
        policy: attributes.policy,
        flags: attributes.flags,
        nice: attributes.nice,
        priority: attributes.priority,
        runtime: attributes.runtime,
        deadline: attributes.deadline,
        period: attributes.period,
        utilisation: [0, 0],
    };
    // JUSTIFICATION: neither std nor rustix offers sched_setattr.
    // SAFETY: `raw` is a live object that says its own size; the kernel only reads it.
    check(unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const raw, 0) })
}

/// Sets the calling thread's input and output class (`IOPRIO_CLASS_*`, 1 to 3) and the level in it (0 to 7).
pub fn set_io_priority(class: u8, level: u8) -> io::Result<()> {
    let value = libc::c_long::from(class) << 13 | libc::c_long::from(level);
    let of_a_process: libc::c_long = 1;
    // JUSTIFICATION: neither std nor rustix offers ioprio_set.
    // SAFETY: numbers only.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, of_a_process, 0, value) })
}

fn check(code: libc::c_long) -> io::Result<()> {
    if code == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The kernel's `struct sched_attr`, in its second version.
#[repr(C)]
struct RawAttributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
    utilisation: [u32; 2],
}

/// `SCHED_ATTR_SIZE_VER1`.
const SIZE: u32 = 56;
const _: () = assert!(size_of::<RawAttributes>() == SIZE as usize);
